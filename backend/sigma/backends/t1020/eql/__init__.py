"""EQL, for Elastic."""
