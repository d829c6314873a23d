"""The ES|QL dialect, for Elastic."""
