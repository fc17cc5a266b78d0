import pytest

from rl_router.episode.tools import check_tool_names, marked_question, tool_name
from rl_router.errors import PoolError
from rl_router.pipeline.rl_prompts.dialects import AGENTS, row_of
from rl_router.pipeline.rl_prompts.pools import Sample
from rl_router.pipeline.rl_prompts.questions import Question
from rl_router.pool.spec import ModelSpec
from rl_router.types import Query

SPECS = {
    name: ModelSpec(name=name, input_usd_per_mtok=0.5, output_usd_per_mtok=2, description=about)
    for name, about in (("gpt-4.1", "Strong."), ("small", ""))
}
QUERY = Query(query_id="q", text="Why {so}?", answers=("because", "since"), task="t", split="train", dataset="nq")
SAMPLE = Sample(question=0, repetition=1, portion="drawn", models=("small", "gpt-4.1"))


def row(job, **changes):
    return row_of(SAMPLE, Question(query=QUERY, source="s", pass_rate=0.5), SPECS, job(**changes))


def test_a_tags_row_is_what_the_trainer_reads(job):
    made = row(job, cost_weights=(0.25,))
    assert made["prompt"] == [{"role": "user", "content": "Why {so}?"}]
    assert made["agent_name"] == "rl_router_episode" and made["data_source"] == "nq"
    assert made["reward_model"] == {"style": "rule", "ground_truth": '["because", "since"]'}
    info = made["extra_info"]
    assert (info["query_id"], info["cost_weight"], info["pass_rate"], info["models"], info["tool_selection"]) == (
        "q", 0.25, 0.5, ["small", "gpt-4.1"], [],
    )  # fmt: skip


def test_the_agent_loop_of_the_tags_dialect_is_this_projects():
    verl_config = pytest.importorskip("rl_router.rl.verl_config")
    assert AGENTS["tags"] == verl_config.AGENT


def test_instructions_name_the_models_of_the_sample_with_their_prices(job):
    (message,) = row(job, instructions=True)["prompt"]
    text = message["content"]
    assert "- gpt-4.1: Strong ($0.5 in, $2 out per million tokens)" in text
    assert text.index("- small: no description") < text.index("- gpt-4.1") and text.endswith("Question: Why {so}?")


def test_a_tools_row_has_rules_marks_and_the_tools_of_the_sample(job):
    made = row(job, dialect="tools")
    system, user = made["prompt"]
    assert system["role"] == "system" and "select_response" in system["content"]
    assert user == {"role": "user", "content": "USER QUERY: \nWhy {so}?"}
    assert made["extra_info"]["tool_selection"] == ["select_response", "call_small", "call_gpt_4_1"]


def test_simple_mode_selects_nothing(job):
    made = row(job, dialect="tools", simple=True)
    assert "select_response" not in made["prompt"][0]["content"]
    assert made["extra_info"]["tool_selection"] == ["call_small", "call_gpt_4_1"]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (9, "USER SYSTEM: \nBe brief.\nUSER QUERY: \nWhy?"),  # nine characters
        (8, "USER QUERY: \nBe brief.\nWhy?"),
    ],
)
def test_a_system_prompt_of_the_users_own_is_marked_unless_it_is_long(limit, expected):
    query = Query(
        query_id="q", text="Be brief.\n\nWhy?", answers=(), task="t", meta={"system": "Be brief.", "user": "Why?"}
    )
    assert marked_question(query, limit) == expected


def test_tools_have_names_that_every_provider_takes():
    assert tool_name("meta-llama/Llama-3.1-8B") == "call_meta_llama_Llama_3_1_8B"
    with pytest.raises(PoolError, match="'a-b' and 'a.b' would both be called by call_a_b"):
        check_tool_names([ModelSpec(name=n, input_usd_per_mtok=0, output_usd_per_mtok=0) for n in ("a-b", "a.b")])
