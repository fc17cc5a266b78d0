"""A thousand streams at once, and clients that hardly read: python evaluation/benchmark_streams.py --streams 1000"""

from rl_router.evaluation.speed.many_streams import main

main()
