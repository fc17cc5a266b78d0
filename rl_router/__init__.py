"""rl-router: train, evaluate and serve programs that decide which language model should answer a query."""

__version__ = "0.1.0"
