"""Benchmarks, run by hand: none is a test, and none is run by pytest."""
