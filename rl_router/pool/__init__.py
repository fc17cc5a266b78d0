"""The models that answer: their prices, the backends that reach them, and the ledger that every call is charged to."""
