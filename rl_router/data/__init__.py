"""Questions with verifiable answers, and what models of a pool did with them."""
