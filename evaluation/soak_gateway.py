"""Hours of traffic before an upstream that fails, hangs and drops: python evaluation/soak_gateway.py --minutes 30"""

from rl_router.evaluation.speed.soak import main

main()
