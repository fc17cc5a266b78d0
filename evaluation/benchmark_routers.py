"""Every router on the same files: python evaluation/benchmark_routers.py TABLE.parquet, or --scale for its limits."""

import sys

from rl_router.evaluation.speed.router_table import main

sys.exit(main())
