"""An RL run beside its baselines: its policies and fixed strategies, played on the same held-out questions."""
