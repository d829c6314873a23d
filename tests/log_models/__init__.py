"""Tests of the log models: the keys of the pipeline state, and what the shipped pipelines set them to."""
