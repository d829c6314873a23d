"""Publishes pipelines/*.yml to pySigma, under their file names."""

from __future__ import annotations

from sigma.processing.pipeline import ProcessingPipeline

__all__ = [
    "t1020_defender",
    "t1020_elastic_defend",
    "t1020_elastic_winlogbeat",
    "t1020_sentinel",
    "t1020_splunk_cim",
    "t1020_splunk_sysmon",
]


def _load(name: str) -> ProcessingPipeline:
    from sigma_t1020.resources import load_pipeline

    return load_pipeline(name)


def t1020_sentinel() -> ProcessingPipeline:
    """Microsoft Sentinel: Defender tables with TimeGenerated."""
    return _load("t1020_sentinel")


def t1020_defender() -> ProcessingPipeline:
    """Microsoft Defender XDR: Defender tables with Timestamp."""
    return _load("t1020_defender")


def t1020_splunk_cim() -> ProcessingPipeline:
    """Splunk: data models of the Common Information Model, for tstats."""
    return _load("t1020_splunk_cim")


def t1020_splunk_sysmon() -> ProcessingPipeline:
    """Splunk: Sysmon's operational log, for Windows and Linux; macOS from data models."""
    return _load("t1020_splunk_sysmon")


def t1020_elastic_defend() -> ProcessingPipeline:
    """Elastic: the events of Elastic Defend."""
    return _load("t1020_elastic_defend")


def t1020_elastic_winlogbeat() -> ProcessingPipeline:
    """Elastic: Sysmon through Winlogbeat or the Windows integration."""
    return _load("t1020_elastic_winlogbeat")
