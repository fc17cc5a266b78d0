"""How sure a number is: standard errors, paired tests between routers, and a verdict that may be "no difference".

Randomness is a `numpy.random.Generator` that the caller seeds. NaN is a query that nobody graded: it is left out.
"""
