import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test reads or writes the caches of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RL_ROUTER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
