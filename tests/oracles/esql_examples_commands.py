"""Examples of the pages about commands, STATS and what the verifier refuses."""

from __future__ import annotations

from oracles.esql_example import Example, people, refused

COMMANDS = (
    people(
        "EVAL: a column of the same name goes to the end",
        "KEEP id, lang | EVAL id = id * 10 | LIMIT 1",
        {"lang": 2, "id": 10},
    ),
    people("EVAL: the name is the expression", "KEEP id | EVAL id*3.5 | LIMIT 1", {"id": 1, "id*3.5": 3.5}),
    people(
        "EVAL: later ones see earlier ones", "KEEP id | EVAL a = id + 1, b = a * 2 | LIMIT 1", {"id": 1, "a": 2, "b": 4}
    ),
    people("KEEP: the order", "KEEP lang, id | LIMIT 1", {"lang": 2, "id": 1}),
    people(
        "KEEP: a pattern, then all",
        "KEEP l*, * | DROP jobs | LIMIT 1",
        {"lang": 2, "id": 1, "name": "Georgi", "still": True},
    ),
    people("KEEP: a name goes before a pattern", "KEEP id, n*, name | LIMIT 1", {"id": 1, "name": "Georgi"}),
    people("KEEP: of patterns the rightmost", "KEEP *ame, id, n* | LIMIT 1", {"id": 1, "name": "Georgi"}),
    people(
        "KEEP: * is the weakest",
        "KEEP *, name | DROP jobs | LIMIT 1",
        {"id": 1, "lang": 2, "still": True, "name": "Georgi"},
    ),
    people("DROP: a pattern", "DROP j*, s* | LIMIT 1", {"id": 1, "lang": 2, "name": "Georgi"}),
    people("RENAME", "KEEP id, lang | RENAME lang AS l | LIMIT 1", {"id": 1, "l": 2}),
    people("RENAME: an existing column goes", "KEEP id, lang | RENAME id AS lang | LIMIT 1", {"lang": 1}),
    people("RENAME: one after the other", "KEEP id, lang | RENAME id AS x, x AS y | LIMIT 1", {"y": 1, "lang": 2}),
    people("SORT: ascending, null last", "SORT lang, id | KEEP id", *({"id": one} for one in (1, 5, 3, 2, 4))),
    people("SORT: descending, null first", "SORT lang DESC, id | KEEP id", *({"id": one} for one in (4, 2, 3, 1, 5))),
    people("SORT: nulls first", "SORT lang NULLS FIRST, id | KEEP id", *({"id": one} for one in (4, 1, 5, 3, 2))),
    people(
        "SORT: descending, nulls last",
        "SORT lang DESC NULLS LAST, id DESC | KEEP id",
        *({"id": one} for one in (2, 3, 5, 1, 4)),
    ),
    Example(
        "SORT: several values, the lowest ascending",
        "FROM e | SORT a | KEEP id",
        [{"id": 1}, {"id": 2}],
        [{"id": 2, "a": [2, 3]}, {"id": 1, "a": [1, 9]}],
        {"id": "integer", "a": "integer"},
    ),
    Example(
        "SORT: several values, the highest descending",
        "FROM e | SORT a DESC | KEEP id",
        [{"id": 2}, {"id": 1}],
        [{"id": 1, "a": [2, 3]}, {"id": 2, "a": [1, 9]}],
        {"id": "integer", "a": "integer"},
    ),
    people("LIMIT", "SORT id | LIMIT 2 | KEEP id", {"id": 1}, {"id": 2}),
    people("Limitations: the default limit", "SORT id | KEEP id", {"id": 1}, {"id": 2}, default_limit=2),
    people(
        "Limitations: the largest limit",
        "SORT id | KEEP id | LIMIT 20000",
        *({"id": one} for one in (1, 2, 3)),
        max_limit=3,
    ),
    people("Limitations: STATS runs on all", "STATS c = COUNT(*)", {"c": 5}, default_limit=2),
    refused("RENAME: a column that is not there", "RENAME x AS y"),
    refused("KEEP: a column that is not there", "KEEP id, x"),
    refused("WHERE: a column that is not there", "WHERE x == 1"),
    refused("WHERE: a condition that is no Boolean", "WHERE lang"),
    refused("==: text and a number", 'WHERE lang == "2"'),
    refused("<: a number and text", "WHERE name < 1"),
    refused("+: text", "EVAL a = name + 1"),
    refused("LIKE: a number", 'WHERE lang LIKE "2*"'),
    refused("IN: text among numbers", 'WHERE lang IN (1, "2")'),
    refused("NOT: a number", "WHERE NOT lang"),
    refused(":: not in EVAL", 'EVAL a = name:"x"'),
    refused(":: not on a computed column", 'EVAL a = CONCAT(name, "x") | WHERE a:"x"'),
    refused(":: not after STATS (Limitations)", 'STATS COUNT(*) BY name | WHERE name:"x"'),
    refused(":: not after LIMIT", 'LIMIT 1 | WHERE name:"x"'),
    refused("DROP: all columns", "DROP *"),
    refused("LIKE: a backslash at the end", r'WHERE name LIKE "a\\"'),
    refused("STATS: a column that is no group", "STATS COUNT(*) + lang"),
    refused("COUNT: not outside STATS", "WHERE COUNT(*) > 1"),
    refused("Implicit casting: only a literal", "EVAL d = NOW() | WHERE d > name"),
    refused("Implicit casting: a text that is no date", 'WHERE NOW() > "yesterday"'),
    refused("LIKE: a backslash before a letter", r'WHERE name LIKE "a\\b"'),
    refused("MV_CONTAINS: younger than 8.19", 'WHERE MV_CONTAINS(jobs, "x")'),
    people("MV_CONTAINS: 9.2", 'WHERE MV_CONTAINS(jobs, "Tech Lead") | KEEP id', {"id": 4}, version="9.2"),
)

STATS = (
    people(
        "STATS: a count by a column, null being a group",
        "STATS c = COUNT(id) BY lang | SORT lang",
        {"c": 2, "lang": 2},
        {"c": 1, "lang": 4},
        {"c": 1, "lang": 5},
        {"c": 1, "lang": None},
    ),
    people("STATS: without BY one row", "STATS a = AVG(lang), m = MAX(lang)", {"a": 3.25, "m": 5}),
    people(
        "STATS: without rows",
        "WHERE id > 9 | STATS c = COUNT(*), m = MAX(lang), s = SUM(lang)",
        {"c": 0, "m": None, "s": None},
    ),
    people("STATS: without rows, by a column", "WHERE id > 9 | STATS c = COUNT(*) BY lang"),
    people(
        "STATS: WHERE of an aggregate",
        "STATS few = COUNT(*) WHERE lang < 4, many = COUNT(*) WHERE 4 <= lang, all = COUNT(*)",
        {"few": 2, "many": 2, "all": 5},
    ),
    people("STATS: the name is the expression", "STATS AVG(lang)", {"AVG(lang)": 3.25}),
    people("STATS: a function around an aggregate", "STATS r = ROUND(AVG(lang), 1)", {"r": 3.3}),
    people(
        "STATS: by an expression",
        "WHERE id < 3 | STATS c = COUNT() BY LEFT(name, 1) | SORT `LEFT(name, 1)`",
        {"c": 1, "LEFT(name, 1)": "B"},
        {"c": 1, "LEFT(name, 1)": "G"},
    ),
    Example(
        "STATS: several values are in each group",
        'ROW i=1, a=["a", "b"] | STATS MIN(i) BY a | SORT a ASC',
        [{"MIN(i)": 1, "a": "a"}, {"MIN(i)": 1, "a": "b"}],
    ),
    Example(
        "STATS: several values of several keys",
        'ROW i=1, a=["a", "b"], b=[2, 3] | STATS MIN(i) BY a, b | SORT a ASC, b ASC',
        [{"MIN(i)": 1, "a": one, "b": two} for one in "ab" for two in (2, 3)],
    ),
    people(
        "COUNT: values, not rows",
        "STATS COUNT(jobs), COUNT(name), COUNT(*)",
        {"COUNT(jobs)": 6, "COUNT(name)": 4, "COUNT(*)": 5},
    ),
    Example(
        "COUNT: the values of SPLIT",
        'ROW w="foo;bar;baz;qux;quux;foo" | STATS c = COUNT(SPLIT(w, ";")), d = COUNT_DISTINCT(SPLIT(w, ";"))',
        [{"c": 6, "d": 5}],
    ),
    Example(
        "COUNT: of an expression OR NULL",
        "ROW n=1 | STATS a = COUNT(n > 0 OR NULL), b = COUNT(n < 0 OR NULL)",
        [{"a": 1, "b": 0}],
    ),
    people("COUNT_DISTINCT", "STATS COUNT_DISTINCT(jobs)", {"COUNT_DISTINCT(jobs)": 4}),
    people("MIN and MAX: text", "STATS a = MIN(name), b = MAX(name)", {"a": "Bezalel", "b": "Parto"}),
    people("SUM", "STATS s = SUM(lang)", {"s": 13}),
    people("TOP: descending", 'STATS t = TOP(lang, 3, "desc")', {"t": [5, 4, 2]}),
    people(
        "VALUES",
        "STATS v = MV_SORT(VALUES(jobs)) BY still | SORT still | LIMIT 1",
        {"v": ["Accountant", "Senior Team Lead", "Tech Lead"], "still": False},
    ),
    people("VALUES: the same value once", "STATS v = MV_SORT(VALUES(lang))", {"v": [2, 4, 5]}),
    people("STATS: the rightmost of one name", "STATS a = COUNT(*), a = MAX(lang)", {"a": 5}),
    people(
        "STATS: a group goes before an aggregate of its name (csv-spec stats)",
        "WHERE id < 3 | STATS lang = MIN(id), lang = MAX(id) BY lang | SORT lang",
        {"lang": 2},
        {"lang": 5},
    ),
    Example(
        "MV_EXPAND: twice (csv-spec mv_expand)",
        'ROW a=[1,2], j=["a","b"] | MV_EXPAND a | MV_EXPAND j',
        [{"a": one, "j": two} for one in (1, 2) for two in "ab"],
    ),
    Example(
        "MV_EXPAND: a filter after it (csv-spec mv_expand)",
        'ROW a = "foobar", b = ["foo", "bar"], c = 12 | MV_EXPAND b | WHERE b LIKE "fo*"',
        [{"a": "foobar", "b": "foo", "c": 12}],
    ),
    people(
        "EVAL: a column of the same name, twice (csv-spec keep)",
        "EVAL lang = lang + 1, lang = lang + 1 | KEEP l*, n* | LIMIT 1",
        {"lang": 4, "name": "Georgi"},
    ),
    people("MAX: a Boolean (csv-spec stats)", "STATS a = MAX(still), b = MIN(still)", {"a": True, "b": False}),
    people(
        "STATS: the groups come last", "WHERE id == 1 | STATS c = COUNT(*) BY id, lang", {"c": 1, "id": 1, "lang": 2}
    ),
    Example(
        "FROM: METADATA",
        "FROM e METADATA _index, _id | KEEP _*",
        [{"_index": "e", "_id": "x"}],
        [{"_id": "x", "a": 1}],
        {"a": "long"},
    ),
)
