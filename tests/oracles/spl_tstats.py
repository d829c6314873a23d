"""The command `tstats` on rows of data models. Search Reference, 'tstats'.

- The rows have qualified names, such as `Processes.process_name`. WHERE is a search expression over them without
  keywords, CIDR ranges and, as no page has them there, comparisons other than `=` and `!=`; earliest and latest are
  allowed.
- A row in which a BY field is null is in no group, so a detection that groups by an optional field loses its events;
  unless fillnull_value= gives such fields a value. It is of the groups, not of WHERE.
- BY _time needs span=, whose buckets begin at whole multiples of it since 1970. Spans are of seconds to days.
- summariesonly and allow_old_summaries change where rows are read from, not what they mean. prestats, append,
  chunk_size and nodename are not in the grammar.
"""

from __future__ import annotations

from collections.abc import Mapping

from oracles.spl_addresses import looks_like_range
from oracles.spl_aggregates import aggregates, name_of
from oracles.spl_eval import Context
from oracles.spl_grammar import Node, SplError, refuse, tokens_of, trees_of, unquoted
from oracles.spl_search import compiled
from oracles.spl_stats import grouped
from oracles.spl_times import span
from oracles.spl_values import Events, Step


def tstats(tree: Node, context: Context, list_maxsize: int, datamodels: Mapping[str, Events]) -> Step:
    """The groups of a data model's rows. The step takes no notice of the events that it is given."""
    (model,) = (token for token in tokens_of(tree) if token.type == "DATAMODEL")
    name = model.split("=", 1)[1].strip().strip('"')
    if name not in datamodels:
        raise SplError(f"the data model {name!r} is not given", model.line or 0, model.column or 0)
    wanted = aggregates(tree, context, list_maxsize)
    names: list[str] = []
    fill = None
    bucket = 0
    for part in trees_of(tree):
        if part.data == "tstats_option":
            option, value = tokens_of(part)
            fill = str(value) if option.startswith("fillnull_value") else fill
        if part.data == "tstats_by":
            names = [name_of(field) for field in trees_of(part)]
            for token in tokens_of(part):
                bucket = span(token.split("=", 1)[1].strip())
            if ("_time" in names) != bool(bucket):
                refuse("BY _time without span=, or span= without _time", part)
    conditions = [trees_of(part)[0] for part in trees_of(tree) if part.data == "condition"]
    for condition in conditions:
        _check(condition)
    tests = [compiled(condition, context.readings, context.now, first=True) for condition in conditions]

    def run(events: Events) -> Events:
        rows = [{**row} for row in datamodels[name] if all(test(row) for test in tests)]
        if fill is not None:
            for row in rows:
                row.update({field: fill for field in names if field not in row})
        if bucket:
            for row in rows:
                at = row.get("_time")
                if at is not None and not isinstance(at, str | tuple):
                    row["_time"] = at // bucket * bucket
        return grouped(rows, wanted, names)

    return run


def _check(tree: Node) -> None:
    for part in tree.iter_subtrees():
        if part.data == "term":
            refuse("a keyword in the WHERE of tstats", part)
        if part.data == "comparison" and tokens_of(part)[0] not in ("=", "!="):
            refuse("a comparison other than = and != in the WHERE of tstats", part)
        if part.data == "value" and looks_like_range(unquoted(tokens_of(part)[0])):
            refuse("a range in the WHERE of tstats", part)
