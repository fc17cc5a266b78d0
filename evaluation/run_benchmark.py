"""Evaluate a suite: python evaluation/run_benchmark.py routerbench table=PATH.parquet routers=[knn,svm]"""

import sys

from rl_router.cli import main

sys.exit(main(["evaluate", *sys.argv[1:]]))
