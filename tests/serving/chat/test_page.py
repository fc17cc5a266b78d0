"""`rl-router chat` in a real browser: type, watch the answer come, read who gave it at what price, click a thumb."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
import yaml
from scripted import events

from rl_router.serving.accounts import digest

pytest.importorskip("gradio", reason="the extra chat is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

KEY = "sk-rlr-planted-4711"
LIMIT_S = 150
pytestmark = pytest.mark.timeout(240)
WORDS = ["alpha", " beta", " ![x](http://elsewhere.invalid/x.png)", " omega"]


@pytest.fixture(scope="module")
def browser():
    found = next((path for b in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(b))), None)
    if found is None:
        pytest.skip("no chromium is installed to open the page in")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@contextmanager
def chat(*arguments):
    """The address of the page of `rl-router chat`, and all that it has said when it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rl_router.cli", "chat", *arguments, f"--port={port}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RL_ROUTER_API_KEY": KEY}
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        timer = threading.Timer(LIMIT_S, process.kill)
        timer.start()
        try:
            for line in process.stderr:
                said.append(line)
                if "chat at" in line:
                    break
            else:
                pytest.fail("".join(said))
            yield f"http://127.0.0.1:{port}", said
        finally:
            process.terminate()
            said += process.stderr.read().splitlines()
            process.wait(30)
            timer.cancel()


def opened(browser, url, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_default_timeout(60_000)
    page.goto(url)
    page.wait_for_selector("#question textarea")
    return page


def ask(page, text):
    page.fill("#question textarea", text)
    page.press("#question textarea", "Enter")


def lines_of(log, kind):
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == kind]


def test_a_person_asks_sees_who_answered_at_what_price_and_says_what_it_was_worth(gateway, browser, tmp_path):
    keys = tmp_path / "keys.yaml"
    keys.write_text(yaml.safe_dump({"keys": [{"name": "ann", "sha256": digest(KEY)}]}))
    log = tmp_path / "log.jsonl"
    with gateway(lambda body: events(WORDS, pause_s=0.5), keys=keys) as (running, _):
        with chat("--gateway", running.url.removesuffix("/v1")) as (url, said):
            page = opened(browser, url, 1280)
            answered = []
            page.on("response", lambda response: answered.append(response.url))

            ask(page, "sum sum number3")
            page.wait_for_selector("#chat :text('alpha')")
            assert "omega" not in page.inner_text("#chat")  # it is still coming
            page.wait_for_selector("#chat small")
            assert re.match(r"mid by knn · \$0\.001900 · [\d.]+ s", page.inner_text("#chat small"))
            assert page.inner_text("#total") == "1 question · $0.001900"

            page.click("#calibrated input")
            page.fill("#weight input[type=number]", "0.5")
            page.press("#weight input[type=number]", "Tab")
            ask(page, "poem poem number3")
            page.wait_for_selector("#chat small >> nth=1")
            assert page.inner_text("#total").startswith("2 questions")

            page.click("#chat [title=Like], #chat [aria-label=Like] >> nth=0")
            page.wait_for_selector(":text('the gateway has noted it')")
            assert KEY not in page.content()
            page.close()
        assert not [address for address in answered if "127.0.0.1" not in address]
        assert KEY not in "".join(said)
    decisions = lines_of(log, "decision")
    assert [line["cost_weight"] for line in decisions] == [0.0, 0.5]
    assert [line["account"] for line in decisions] == ["ann", "ann"]
    assert [(line["query_id"], line["quality"]) for line in lines_of(log, "feedback")] == [
        (decisions[0]["query_id"], 1.0)
    ]


def test_stopping_an_answer_ends_the_call_to_the_model(gateway, browser):
    with gateway(lambda body: events(["word "] * 400, pause_s=0.3)) as (running, upstream):
        with chat("--gateway", running.url) as (url, _):
            page = opened(browser, url, 1280)
            ask(page, "sum sum number3")
            page.wait_for_selector("#chat :text('word')")
            page.click("#stop")
            page.wait_for_selector("#chat :text('The answer broke off')")
            page.wait_for_selector("#send")
            page.wait_for_timeout(1_000)
            page.close()
        assert upstream.broken_off == 1


def test_a_gateway_of_its_own_answers_on_a_phone(browser, tmp_path):
    log = tmp_path / "log.jsonl"
    with chat("simulated", f"log={log}") as (url, _):
        page = opened(browser, url, 390)
        ask(page, "2 + 2")
        page.wait_for_selector("#chat small")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        page.close()
    assert [line["status"] for line in lines_of(log, "request")] == [200]
