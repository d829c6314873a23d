"""Correlations as SPL: which rules, keys and values they are made of, and what is refused."""

from __future__ import annotations

from .correlating import CorrelatingConditions
from .splunk_conditions import SplunkConditions


class SplunkCorrelations(CorrelatingConditions, SplunkConditions):
    """Conditions, and the correlations of their rules."""

    language = "SPL"
