"""What all dialects share: the front, which turns Sigma's conditions into tests, and what surrounds it. No dialect."""
