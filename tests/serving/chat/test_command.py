"""`rl-router chat` as a command: what it refuses, the key it takes, and the gateway of its own."""

import importlib.util
import sys

import httpx
import pytest
from scripted import events

from rl_router.cli import main

has_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="gradio is not installed: pip install 'rl-router[chat]'"
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a recipe or run to serve, or --gateway URL"),
        (["simulated", "--gateway", "http://127.0.0.1:9"], "and not both"),
        (["simulated", "--port", "65536"], "expected --port between 1 and 65535, got 65536"),
        (["simulated", "--similar", "-1"], "expected --similar to be zero or more, got -1"),
    ],
)
def test_a_wish_that_makes_no_sense_is_one_sentence(capsys, arguments, said):
    assert main(["chat", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_gradio_the_extra_is_named(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "rl_router.serving.chat.launch", raising=False)
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["chat", "simulated"]) == 2
    assert "chat needs gradio: pip install 'rl-router[chat]'" in capsys.readouterr().err


@has_gradio
def test_an_address_where_no_gateway_is_is_one_sentence(capsys):
    assert main(["chat", "--gateway", "http://127.0.0.1:9"]) == 1
    assert "no gateway answers at http://127.0.0.1:9/v1" in capsys.readouterr().err


@has_gradio
def test_a_gateway_that_wants_a_key_gets_the_one_in_the_environment(capsys, monkeypatch, tmp_path, gateway):
    from rl_router.serving.chat import launch

    assert main(["key", "alice", "--budget-usd", "5"]) == 0
    shown = capsys.readouterr()
    key = shown.err.split()[-1]
    (tmp_path / "keys.yaml").write_text(f"keys:\n{shown.out}")
    pages = []

    def page(talk, models):
        pages.append(models)
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "page", page)
    with gateway(lambda body: events(["yes"]), keys=tmp_path / "keys.yaml") as (running, _):
        monkeypatch.delenv(launch.KEY, raising=False)
        assert main(["chat", "--gateway", running.url]) == 1
        assert f"wants a key: set {launch.KEY}" in capsys.readouterr().err
        monkeypatch.setenv(launch.KEY, key)
        assert main(["chat", "--gateway", running.url]) == 130
    assert pages == [["auto", "rl-router/knn", "small", "mid", "large"]]


@has_gradio
def test_a_recipe_gets_a_gateway_of_its_own_on_the_loopback(monkeypatch):
    from rl_router.serving.chat import launch

    asked = {}

    def chat(url, **settings):
        asked.update(settings, models=[model["id"] for model in httpx.get(f"{url}/models").json()["data"]])

    monkeypatch.setattr(launch, "chat", chat)
    assert main(["chat", "simulated", "--port", "7000", "--similar", "5"]) == 0
    assert asked["models"] == ["nano", "coder", "mather", "wiki", "titan"]
    assert (asked["host"], asked["port"], asked["share"], asked["similar"]) == ("127.0.0.1", 7000, False, 5)
