"""Trains with models that misbehave at 30 %, and without: python evaluation/benchmark_faults.py [--latency-s 2]."""

import sys

from rl_router.evaluation.faults.study import main

sys.exit(main())
