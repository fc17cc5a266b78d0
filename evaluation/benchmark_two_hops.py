"""Multi-round routers on two-hop questions of the embedded world: python evaluation/benchmark_two_hops.py"""

import sys

from rl_router.evaluation.online.two_hops import main

sys.exit(main())
