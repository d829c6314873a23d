"""Emitted queries, run on engines and parsed by grammars that are not ours."""
