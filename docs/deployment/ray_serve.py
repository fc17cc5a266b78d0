"""The gateway on more than one machine: RL_ROUTER_RECIPE=gateway.yaml serve run docs.deployment.ray_serve:gateway

Each replica is a gateway of its own: limits are per replica, and budgets are shared where the keys file is on a file
system that all machines see. Not run on a cluster yet.
"""

import os

from ray import serve

from rl_router.recipe import load_step
from rl_router.serving.app import Gateway
from rl_router.serving.job import ServeJob


def application() -> Gateway:
    return Gateway(load_step(ServeJob, os.environ["RL_ROUTER_RECIPE"], folder="serve"), os.environ)


@serve.deployment(num_replicas=2, max_ongoing_requests=1024)
@serve.ingress(application)
class Replica:
    pass


gateway = Replica.bind()
