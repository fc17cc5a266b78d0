"""APGR of routers fitted on half of the labels: python evaluation/benchmark_recovery.py TABLE.parquet"""

import sys

from rl_router.evaluation.two_models.held_out import main

sys.exit(main())
