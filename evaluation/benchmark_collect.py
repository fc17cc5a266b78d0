"""Throughput of `collect` against a 50 ms server, and CPU per call: python evaluation/benchmark_collect.py --json"""

from rl_router.evaluation.speed.collect_report import main

main()
