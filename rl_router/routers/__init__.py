"""Single-round routers: which model of the pool should answer a query, at what predicted quality and cost."""
