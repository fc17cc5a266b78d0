"""How good a router is and what it costs: outcomes per query, rows with standard errors, and baselines beside it."""
