"""What all dialects share: the front, which turns Sigma's conditions into semantic tests, and what surrounds it."""
