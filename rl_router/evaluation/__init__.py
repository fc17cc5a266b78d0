"""How good a router is and what it costs.

`run` judges one RL run beside its baselines, `suite` any routers on any benchmarks, live or replayed. Both stand on
`metrics` and `statistics`, pure functions of arrays. `off_policy` judges a router on traffic that another one routed,
`two_models` between a weak and a strong model; `published` computes what papers report again from their files; `speed`
measures training steps.
"""
