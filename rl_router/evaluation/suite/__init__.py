"""Any routers on any benchmarks, live or replayed, beside rows that nobody can leave out.

`suite` is what to do, `arena` where it happens, `entrants` and `references` who plays, `lines` what they came to (one
JSON line per router, seed and query), `results` and `verdicts` what that means, `folder` and `evaluate` the run that
holds it all. The table is always made from the lines alone.
"""
