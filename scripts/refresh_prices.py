"""Update prices from litellm's table, diff first: python scripts/refresh_prices.py recipes/pool/xrouter.yaml --write"""

import sys

from rl_router.pool.refresh import main

sys.exit(main())
