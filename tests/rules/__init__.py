"""Tests of reading rules: files, YAML, shape, references."""
