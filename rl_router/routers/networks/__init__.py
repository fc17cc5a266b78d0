"""What the learned routers share: layers, losses, one training loop, and transformers that are tuned whole.

torch is needed to fit and never to route: a network is a pure function of named arrays that numpy and torch both
evaluate, so a fitted router answers without importing torch. Only routers that tune a transformer need it for both.
"""
