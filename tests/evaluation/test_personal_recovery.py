"""Planted tastes over real recorded answers are recovered from eight turns of a new user: a small study, one seed."""

from pathlib import Path

import numpy as np
import pytest

from rl_router.data.table import RoutingTable
from rl_router.data.tastes import Study, synthetic_users
from rl_router.evaluation.personal import judge
from rl_router.evaluation.statistics.paired import sign_flips
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.gmtrouter import GmtRouter
from rl_router.routers.user_elo import UserElo

TABLE = Path(__file__).parents[2].parent / "shared" / "data" / "zeroeval" / "responses_pool10.parquet"
STUDY = Study(users=120, new_users=48, turns=24, support=8, judged=12)


@pytest.mark.skipif(not TABLE.is_file(), reason="the recorded answers of ZeroEval are not here")
@pytest.mark.timeout(900)
def test_with_eight_turns_gmtrouter_is_liked_more_than_the_best_router_for_anybody_and_elo_per_user():
    users = synthetic_users(RoutingTable.read(TABLE), STUDY, seed=0)
    fit, support, test = (users.select(split=split) for split in ("train", "support", "test"))
    gmt = GmtRouter(seed=0).fit(fit)
    liked = {
        "anybody's": judge(BestPerTask().fit(fit), test)[1],
        "elo": judge(UserElo().fit(fit).joined(support), test)[1],
        "0 turns": judge(gmt, test)[1],
        "8 turns": judge(gmt.joined(support), test)[1],
    }
    liked = {name: np.array(values) for name, values in liked.items()}
    for other in ("anybody's", "elo", "0 turns"):
        gain = liked["8 turns"] - liked[other]
        chance = float(sign_flips(gain[:, None], draws=2_000, rng=np.random.default_rng(0))[0])
        assert gain.mean() > 0.04 and chance < 0.01, (other, gain.mean(), chance)
    assert (liked["0 turns"] - liked["anybody's"]).mean() > -0.03
