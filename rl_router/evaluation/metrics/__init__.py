"""What a router is measured by: pure functions of arrays, [n] per query, [n, m] per query and model.

NaN is unknown (nobody graded it, nobody priced it): it is left out of a mean, never taken for a zero. Costs are USD.
"""
