"""The values of generated placeholders."""

from __future__ import annotations

from reference.generators import Pair
from sigma.processing.pipeline import ProcessingPipeline


def placeholders(one: Pair) -> ProcessingPipeline:
    """The values of the pair's placeholders, as a shop's pipeline gives them."""
    return ProcessingPipeline.from_dict(
        {
            "name": "placeholders",
            "priority": 5,
            "vars": {name: list(values) for name, values in one.placeholders.items()},
            "transformations": [{"type": "value_placeholders"}] if one.placeholders else [],
        }
    )
