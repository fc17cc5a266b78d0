"""Whatever Schemathesis makes of the OpenAPI document, the gateway answers without a 5xx.

A hundred and some cases here; over five thousand with SCHEMATHESIS_CASES=1000, which is the number for each of the five
paths that take a body. `--junitxml` has the count of each.
"""

import json
import os

import pytest
from scripted import Scripted, ScriptedServer, completion, events

from rl_router.serving.background import gateway_in_background
from rl_router.serving.job import ServeJob
from rl_router.serving.openapi import DOCUMENT

schemathesis = pytest.importorskip("schemathesis")
from hypothesis import HealthCheck, given, settings  # noqa: E402

CASES = int(os.environ.get("SCHEMATHESIS_CASES", "25"))


@pytest.fixture(scope="module")
def base(run, pool):
    """The address of a gateway whose models answer anything."""
    anything = {**json.loads(completion().content), "output": [], "data": []}
    whole = Scripted(content=json.dumps(anything).encode())
    last = b'data: {"type": "response.completed", "response": {"output": []}}\n\n'
    streams = {"input": Scripted(content=[last]), "messages": events(["a"])}

    def reply(body):
        if not body.get("stream"):
            return whole
        return streams["messages" if "messages" in body else "input"]

    with ScriptedServer(reply) as upstream:
        job = ServeJob(pool=str(pool), routers={"knn": run}, endpoint=upstream.url, port=0)
        with gateway_in_background(job, os.environ) as running:
            yield running.url.removesuffix("/v1")


NAMES = ("auto", "mid", "router-knn-0.5", "rl-router/knn")
PATHS = list(json.loads(DOCUMENT)["paths"])


@pytest.mark.timeout(3600 if CASES > 100 else 900)
@pytest.mark.parametrize("path", PATHS)
def test_no_case_of_the_document_is_a_failure_of_the_server(base, path, record_property):
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    (operation,) = schema[path].values()
    seen = []

    @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def answered(case):
        if isinstance(case.body, dict) and len(seen) % 2:
            case.body["model"] = NAMES[len(seen) // 2 % len(NAMES)]  # hardly ever would a name be drawn that exists
        answer = case.call(timeout=30)
        seen.append(answer.status_code)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    answered()
    assert seen
    record_property("cases", len(seen))
