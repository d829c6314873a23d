"""ES|QL, for Elastic."""
