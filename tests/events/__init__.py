"""Canonical events as the rows that each log model stores for them."""
