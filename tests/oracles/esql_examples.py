"""Examples of Elastic's pages, made again with small documents: what a query gives, and the page that says so.

The values are ours; the situation is that of the page, or of the file of Elastic's own examples that is named with
`csv-spec`. test_esql_examples.py runs them, and test_esql_planted_bugs.py shows that they notice when the engine is
wrong. An example of a refusal has the name of the exception instead of rows.
"""

from __future__ import annotations

from itertools import chain

from oracles.esql_example import Example
from oracles.esql_examples_commands import COMMANDS, STATS
from oracles.esql_examples_functions import CONVERSIONS, DATES, NUMBERS, SEVERAL, TEXT
from oracles.esql_examples_language import LITERALS, NULLS, OPERATORS, PATTERNS

ALL = (LITERALS, OPERATORS, NULLS, PATTERNS, TEXT, NUMBERS, CONVERSIONS, DATES, SEVERAL, COMMANDS, STATS)
EXAMPLES: dict[str, Example] = {example.page: example for example in chain(*ALL)}
"""Each example by its name."""
