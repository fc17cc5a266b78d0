import pytest

from rl_router.types import Query


@pytest.fixture
def question():
    """Makes a question out of what a grader looks at."""

    def make(*answers, choices=None, meta=None, text="?"):
        return Query(query_id="q", text=text, answers=answers, task="t", choices=choices or {}, meta=meta or {})

    return make
