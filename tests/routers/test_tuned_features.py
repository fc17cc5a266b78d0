"""A transformer that a router tunes belongs to the routers that do."""

import pytest

from rl_router.errors import RecipeError
from rl_router.routers.knn import Knn

pytest.importorskip("transformers", reason="a transformer needs the extra torch")


def test_a_router_that_tunes_nothing_refuses_to_tune(train):
    with pytest.raises(RecipeError, match="mlp, mf, routerdc.*; this one takes it as it is: st:minilm"):
        Knn(features="tune:minilm").fit(train)
