"""The EQL dialect, for Elastic."""
