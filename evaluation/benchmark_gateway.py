"""CPU per proxied request beside LiteLLM's proxy and RouteLLM's server: python evaluation/benchmark_gateway.py -h"""

from rl_router.evaluation.speed.gateway_report import main

main()
