"""`infer` asks real endpoints: a server on the loopback that answers, counts tokens and keeps what it was sent."""

import json

import pytest
import yaml
from loopback import Faults, LoopbackServer

from rl_router import cli

POEM, PROOF = "poem number99", "proof number99"
PRICES = {"small": (1.0, 2.0), "large": (10.0, 20.0)}


@pytest.fixture
def pool(here):
    models = [{"name": name, "input_usd_per_mtok": i, "output_usd_per_mtok": o} for name, (i, o) in PRICES.items()]
    (here / "pool.yaml").write_text(yaml.safe_dump({"models": models}))
    return here / "pool.yaml"


@pytest.fixture
def queries(here):
    (here / "queries.txt").write_text(f"{POEM}\n\n{PROOF}\n")
    return here / "queries.txt"


def records(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.timeout(60)
def test_each_query_is_answered_by_the_model_that_was_chosen_and_is_priced(queries, pool, ask):
    with LoopbackServer() as server:
        out = ask("infer", "runs/knn", "--input", queries, "--pool", pool, "--endpoint", server.url, "--json")
    poem, proof = records(out)
    assert (poem["asked"], proof["asked"]) == (["small"], ["large"])
    assert (poem["query_id"], poem["answer"]) == ("1", f"small says: {POEM[::-1]}")
    for record in (poem, proof):
        prompt_usd, completion_usd = PRICES[record["model"]]
        usd = (record["prompt_tokens"] * prompt_usd + record["completion_tokens"] * completion_usd) / 1e6
        assert record["cost_usd"] == pytest.approx(usd) and usd > 0
    assert server.requests == 2


@pytest.mark.timeout(60)
def test_temperature_and_token_limit_reach_the_model(queries, pool, ask):
    with LoopbackServer() as server:
        ask(
            "infer", "runs/knn", "--input", queries, "--pool", pool, "--endpoint", server.url, "--temp", "0.25",
            "--max-tokens", "7",
        )  # fmt: skip
    assert {
        (body["temperature"], body.get("max_tokens") or body.get("max_completion_tokens")) for body in server.bodies
    } == {(0.25, 7)}


@pytest.mark.timeout(60)
def test_a_cascade_asks_the_next_model_when_the_reply_is_not_trusted_and_pays_for_both(here, queries, pool, ask):
    """Fitted on replies that say yes when they are right: here small says yes to the poem, and no to the proof."""
    with LoopbackServer(
        answer=lambda model, prompt: "no" if model == "small" and "proof" in prompt else "yes"
    ) as server:
        out = ask("infer", "runs/cascade", "--input", queries, "--pool", pool, "--endpoint", server.url, "--json")
    poem, proof = records(out)
    assert (poem["asked"], poem["answer"]) == (["small"], "yes")
    assert (proof["asked"], proof["answer"]) == (["small", "large"], "yes")
    assert poem["cost_usd"] + proof["cost_usd"] == pytest.approx(
        server.cost_usd({m: (i, i, o) for m, (i, o) in PRICES.items()})
    )


@pytest.mark.timeout(60)
def test_a_call_that_fails_is_a_record_and_not_the_end(queries, pool, ask):
    with LoopbackServer(faults=Faults(share=1.0, kinds=("refuse",))) as server:
        found = records(
            ask("infer", "runs/knn", "--input", queries, "--pool", pool, "--endpoint", server.url, "--json")
        )
        said = ask("infer", "runs/knn", "--input", queries, "--pool", pool, "--endpoint", server.url)
    assert [(record["status"], record["answer"]) for record in found] == [("rejected", None)] * 2
    assert "(rejected)" in said


@pytest.mark.timeout(60)
def test_kept_replies_are_not_asked_for_again(here, queries, pool, ask):
    arguments = ("infer", "runs/knn", "--input", queries, "--pool", pool, "--cache", here / "replies.sqlite", "--json")
    with LoopbackServer() as server:
        first = ask(*arguments, "--endpoint", server.url)
        assert ask(*arguments, "--endpoint", server.url) == first
    assert server.requests == 2


def test_only_the_decisions_where_nothing_is_to_be_asked(queries, ask):
    found = records(ask("infer", "runs/knn", "--input", queries, "--route-only", "--json"))
    assert [(record["model"], record["cost_weight"]) for record in found] == [("small", 0.0), ("large", 0.0)]
    assert ask("infer", "runs/knn", "--input", queries, "--route-only") == f"small  {POEM}\nlarge  {PROOF}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q.json", json.dumps([POEM, {"question": PROOF, "id": "b"}])),
        ("q.jsonl", f'{{"query": "{POEM}", "id": "a"}}\n{{"prompt": "{PROOF}", "id": "b"}}\n'),
    ],
)
def test_lists_and_lines_of_objects_are_read_too(here, ask, name, text):
    (here / name).write_text(text)
    found = records(ask("infer", "runs/knn", "--input", name, "--route-only", "--json"))
    assert [record["model"] for record in found] == ["small", "large"]
    assert found[1]["query_id"] == "b"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the models to call with --pool"),
        (("--route-only", "--temp", "3"), "a --temp between 0 and 2"),
        (("--route-only", "--max-tokens", "0"), "--max-tokens of at least 1"),
        (("--route-only", "--cost-weight", "-1"), "--cost-weight of zero or more"),
        (("--route-only", "--concurrency", "0"), "--concurrency of at least 1"),
        (("--pool", "other.yaml", "--endpoint", "http://127.0.0.1:9/v1"), "has none of this router's models"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_asked(here, queries, refused, arguments, said):
    model = {"name": "nobody", "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0}
    (here / "other.yaml").write_text(yaml.safe_dump({"models": [model]}))
    assert said in refused("infer", "runs/knn", "--input", queries, *arguments)


def test_a_folder_that_holds_no_run_is_named(here, queries, refused):
    assert "expected a run folder with a config.json" in refused("infer", "runs", "--input", queries, "--route-only")


PICTURE = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def seeing(here):
    """A pool in which only `small` takes images, and a file that asks the same proof with a picture and without."""
    models = [
        {"name": name, "input_usd_per_mtok": i, "output_usd_per_mtok": o, "capabilities": able}
        for (name, (i, o)), able in zip(PRICES.items(), (["images"], []), strict=True)
    ]
    (here / "pool.yaml").write_text(yaml.safe_dump({"models": models}))
    entries = [{"query": PROOF}, {"query": PROOF, "images": [PICTURE]}]
    (here / "queries.jsonl").write_text("\n".join(map(json.dumps, entries)))
    return "--input", here / "queries.jsonl", "--pool", here / "pool.yaml"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("run", ["runs/knn", "runs/cascade"])
def test_a_picture_goes_to_a_model_that_takes_it_and_is_sent_with_the_words(seeing, ask, run):
    with LoopbackServer(answer=lambda model, prompt: "yes") as server:
        words, picture = records(ask("infer", run, *seeing, "--endpoint", server.url, "--json"))
    assert picture["asked"] == ["small"]
    assert words["asked"] == (["large"] if run == "runs/knn" else ["small"])
    [content] = [c for b in server.bodies if isinstance(c := b["messages"][0]["content"], list)]
    assert content == [{"type": "image_url", "image_url": {"url": PICTURE}}, {"type": "text", "text": PROOF}]
    assert [r["model"] for r in records(ask("infer", "runs/knn", *seeing, "--route-only", "--json"))] == [
        "large", "small",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "pool", "said"),
    [
        ({"images": [PICTURE]}, False, "name a --pool"),
        ({"images": PICTURE}, True, "to be a list of URLs"),
        ({"audio": ["x"]}, True, "holds audio, and only text and images"),
    ],
)
def test_what_cannot_be_sent_is_refused(here, seeing, capsys, entry, pool, said):
    (here / "queries.jsonl").write_text(json.dumps({"query": PROOF} | entry))
    arguments = seeing if pool else seeing[:2]
    assert cli.main(["infer", "runs/knn", *map(str, arguments), "--route-only"]) == 2
    assert said in capsys.readouterr().err


def test_a_picture_that_no_model_of_the_pool_takes_is_refused_before_anybody_is_asked(here, seeing, pool, capsys):
    blind = [{"name": n, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0, "capabilities": []} for n in PRICES]
    (here / "pool.yaml").write_text(yaml.safe_dump({"models": blind}))
    assert cli.main(["infer", "runs/knn", *map(str, seeing), "--endpoint", "http://127.0.0.1:9/v1"]) == 2
    assert "hold images, which none of large, small takes" in capsys.readouterr().err
