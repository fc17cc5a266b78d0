"""Benchmarks to a queries file: python data_preprocess/build_queries.py router_r1 out=data/queries.parquet"""

import sys

from rl_router.cli import main

sys.exit(main(["data", "queries", *sys.argv[1:]]))
