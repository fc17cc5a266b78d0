"""Keys, budgets, rates, and that nothing which was said or is secret is ever written down."""

import json
import logging

import httpx
import pytest
import yaml
from scripted import completion, events, refusal

from rl_router.cli import main
from rl_router.errors import RecipeError
from rl_router.evaluation.off_policy.log import read_log
from rl_router.serving.accounts import Account, Accounts, digest
from rl_router.serving.errors import ApiError

SUM = [{"role": "user", "content": "sum sum number3"}]
SECRET = "planted-secret-4711"


def post(running, key=None, path="/chat/completions", **body):
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    body = {"model": "auto", "messages": SUM} | body
    return httpx.post(f"{running.url}{path}", json=body, headers=headers, timeout=20)


@pytest.fixture
def keys(tmp_path):
    """A keys file of these entries, each the SHA-256 of a key that is its owner's name."""

    def write(*entries):
        path = tmp_path / "keys.yaml"
        path.write_text(yaml.safe_dump({"keys": [{"sha256": digest(e["name"]), **e} for e in entries]}))
        return path

    return write


def test_without_a_key_nobody_is_served_once_keys_are_configured(gateway, keys):
    with gateway(lambda body: completion(), keys=keys({"name": "ann"})) as (running, upstream):
        base = running.url.removesuffix("/v1")
        refused = [
            post(running),
            post(running, key="bob"),
            httpx.get(f"{running.url}/models"),
            httpx.get(f"{base}/metrics"),
        ]
        assert [answer.status_code for answer in refused] == [401] * 4
        assert upstream.bodies == []
        assert httpx.get(f"{base}/health").status_code == 200
        assert post(running, key="ann").status_code == 200
    assert refused[0].json()["error"]["code"] == "invalid_api_key"


def test_a_spent_budget_refuses_and_outlives_a_restart(gateway, keys):
    path = keys({"name": "ann", "budget_usd": 0.003}, {"name": "bob"})
    with gateway(lambda body: completion(), keys=path) as (running, _):  # an answer costs 0.0019
        assert [post(running, key="ann").status_code for _ in range(3)] == [200, 200, 429]
        answer = post(running, key="ann")
        assert post(running, key="bob").status_code == 200
    assert answer.json()["error"]["code"] == "insufficient_quota"
    with gateway(lambda body: completion(), keys=path) as (running, _):
        assert post(running, key="ann").status_code == 429


def test_a_rate_fills_again_with_time():
    account = Account("ann", per_minute=2)
    account.admit(0.0)
    account.admit(0.0)
    with pytest.raises(ApiError) as refused:
        account.admit(0.0)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 30.0)
    account.admit(30.0)
    with pytest.raises(ApiError):
        account.admit(31.0)


def test_two_processes_share_what_was_spent(keys):
    path = keys({"name": "ann", "budget_usd": 1.0})
    one, other = Accounts(path, workers=2), Accounts(path, workers=2)
    header = {b"authorization": b"Bearer ann"}
    one.of(header).pay(0.75)
    other.of(header).pay(0.5)
    one.share()
    other.share()
    with pytest.raises(ApiError):
        other.of(header).admit(0.0)
    other.share()
    assert other.of(header).budget.spent_usd == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("keys: 3", "does not fit"),
        ("[]", "does not fit"),
        ("keys: [{name: a, sha256: short}]", "sha256"),
        ("keys: [{name: a, key: sk-planted-secret-4711}]", "keys"),
        ("{", "not YAML"),
    ],
)
def test_a_bad_keys_file_is_refused_without_showing_what_it_holds(tmp_path, content, said):
    path = tmp_path / "keys.yaml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=said) as refused:
        Accounts(path)
    assert SECRET not in str(refused.value)


def test_only_an_admins_key_reloads(gateway, keys):
    path = keys({"name": "ann"}, {"name": "root", "admin": True})
    with gateway(lambda body: completion(), keys=path) as (running, _):
        url = f"{running.url.removesuffix('/v1')}/admin/reload"
        codes = [httpx.post(url, headers={"authorization": f"Bearer {k}"}).status_code for k in ("ann", "root")]
        before = running.gateway.catalog
        assert codes == [403, 200]
        assert before.names.all() == ["auto", "rl-router/knn", "small", "mid", "large"]
        assert post(running, key="ann").status_code == 200


def test_the_key_command_makes_keys_that_open_a_gateway_within_their_limits(gateway, tmp_path, capsys):
    def made(*arguments):
        assert main(["key", *arguments]) == 0
        said = capsys.readouterr()
        return said.err.strip().rpartition(" ")[2], yaml.safe_load(said.out)[0]

    (ann, anns), (root, roots) = made("ann", "--requests-per-minute", "2"), made("root", "--admin")
    path = tmp_path / "keys.yaml"
    path.write_text(yaml.safe_dump({"keys": [anns, roots]}))
    assert ann not in path.read_text()
    with gateway(lambda body: completion(), keys=path) as (running, _):
        answers = [post(running, key=ann) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) >= 1
        reload = f"{running.url.removesuffix('/v1')}/admin/reload"
        codes = [httpx.post(reload, headers={"authorization": f"Bearer {key}"}).status_code for key in (ann, root)]
        assert codes == [403, 200]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["account"], line["status"]) for line in lines] == [("ann", 200), ("ann", 200), ("ann", 429)]


@pytest.mark.parametrize("arguments", [["ann", "--budget-usd", "-1"], ["ann", "--requests-per-minute", "0"], [""]])
def test_the_key_command_makes_no_key_that_a_gateway_would_refuse(arguments, capsys):
    assert main(["key", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "sk-rlr-" not in said.err


def test_no_key_no_prompt_and_no_answer_is_in_any_log(gateway, keys, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    path = keys({"name": SECRET + "-account-key"})

    def reply(body):
        if body["model"] == "mid":
            return refusal(500, f"{SECRET} was asked with sk-upstream-secret-0123456789")
        return events([SECRET]) if body.get("stream") else completion(f"{SECRET} sk-upstream-secret-0123456789")

    said = [{"role": "user", "content": f"sum sum {SECRET}"}]
    with gateway(reply, keys=path) as (running, _):
        answers = [
            post(running, key=SECRET + "-account-key", messages=said, user=SECRET, session_id=SECRET, stream=streams)
            for streams in (False, True)
        ]
        post(running, key=SECRET + "-account-key", model=SECRET)
        post(running, key=SECRET)
        metrics = httpx.get(
            f"{running.url.removesuffix('/v1')}/metrics", headers={"authorization": f"Bearer {SECRET}-account-key"}
        ).text
    assert all("sk-upstream-secret" not in answer.text for answer in answers)
    assert all(SECRET in answer.text for answer in answers)
    written = (
        (tmp_path / "log.jsonl").read_text().replace(json.dumps(SECRET + "-account-key"), "the name of an account")
    )
    for place in (written, metrics, caplog.text, *capfd.readouterr()):
        assert "sk-upstream-secret" not in place
        assert "sum sum" not in place
        assert SECRET not in place


def test_off_policy_evaluation_reads_the_log_and_its_feedback(gateway, tmp_path):
    with gateway(lambda body: completion(), log_contents=True) as (running, _):
        ids = [post(running).headers["x-request-id"], post(running, stream=True).headers["x-request-id"]]
        assert post(running, path="/feedback", request_id=ids[0], rating="up").status_code == 200
        assert post(running, path="/feedback", request_id=ids[1], quality=0.25).status_code == 200
    calls = read_log(tmp_path / "log.jsonl")
    assert [call.query_id for call in calls] == ids
    assert [(call.model, call.propensity, call.query) for call in calls] == [("mid", 1.0, "sum sum number3")] * 2
    assert [call.cost_usd for call in calls] == pytest.approx([0.0019, 0.0019])
    assert calls[0].candidates == ("large", "mid", "small")


def test_bad_feedback_is_refused(gateway):
    bad = [{}, {"request_id": 3, "quality": 1}, {"request_id": "x", "rating": "so"}]
    bad += [{"request_id": "x", "quality": quality} for quality in (None, 2, -1, True, "1")]
    with gateway(lambda b: completion()) as (running, _):
        answers = [httpx.post(f"{running.url}/feedback", json=body) for body in bad]
    assert [(a.status_code, a.json()["error"]["type"]) for a in answers] == [(400, "invalid_request_error")] * 8


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../x", "http://127.0.0.1:1/v1", "file:///etc/passwd", "rl-router/../knn"]
)
def test_a_request_cannot_name_a_file_a_plugin_or_a_url(gateway, name):
    with gateway(lambda body: completion()) as (running, upstream):
        codes = [post(running, model=name).status_code, post(running, model="auto", allowed_models=[name]).status_code]
        post(running, endpoint=name, api_base=name, base_url=name, routers={"x": name})
    assert codes == [404, 400]
    assert len(upstream.bodies) == 1  # the fields that mean nothing here went to the one known endpoint
