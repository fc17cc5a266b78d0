"""Every model on every question: python data_preprocess/collect_outcomes.py router_r1 queries=queries.parquet"""

import sys

from rl_router.cli import main

sys.exit(main(["data", "collect", *sys.argv[1:]]))
