"""What stands below an answer and below a conversation."""

from rl_router.serving.chat.caption import answer, caption, shown, total
from rl_router.serving.chat.conversation import Conversation, Turn

METADATA = {
    "model_used": "mid",
    "routing_strategy": "knn",
    "total_cost": 0.0019,
    "total_time": 0.417,
    "cost_known": True,
    "call_history": [{"model": "mid", "status": "ok"}],
}


def test_a_caption_says_who_answered_by_whose_choice_at_what_price():
    assert caption(METADATA) == "`mid` by knn · $0.001900 · 0.42 s"
    assert caption({**METADATA, "routing_strategy": "direct"}) == "`mid` · $0.001900 · 0.42 s"


def test_a_caption_says_who_else_was_asked_and_why():
    calls = [{"model": "nano", "status": "skipped"}, {"model": "small", "status": "failed"}, *METADATA["call_history"]]
    said = caption({**METADATA, "call_history": calls, "reason": "the conversation keeps its model"})
    assert said.endswith("0.42 s · asked `small`, `mid` · the conversation keeps its model")


def test_a_cost_that_nobody_knows_is_not_told_as_if_it_were_known():
    assert "at least $0.001900" in caption({**METADATA, "cost_known": False})


def test_a_policy_that_ran_out_of_turns_says_so():
    assert caption({**METADATA, "stop": "max_turns"}).endswith("ended by max_turns")
    assert "ended by" not in caption({**METADATA, "stop": "answered"})


def test_the_total_counts_questions_and_adds_up_costs():
    turn = Turn(question="q", answer="a", metadata=METADATA)
    assert total(Conversation()) == "Nothing asked yet."
    assert total(Conversation(turns=(turn,))) == "1 question · $0.001900"
    broken = Turn(question="q", answer="a", error="the stream broke")
    assert total(Conversation(turns=(turn, turn, broken))) == "3 questions · at least $0.003800"


def test_every_turn_is_two_messages_whatever_came_of_it():
    turns = (
        Turn(question="one", answer="1", metadata=METADATA),
        Turn(question="two", error="no model answers"),
        Turn(question="three", answer="thr", error="stopped"),
        Turn(question="four"),
    )
    assert [message["content"] for message in shown(turns)] == [
        "one", f"1\n\n<small>{caption(METADATA)}</small>", "two", "**No answer:** no model answers",
        "three", "thr\n\n**The answer broke off:** stopped", "four", "…",
    ]  # fmt: skip
    assert answer(Turn(question="q", answer="so far")) == "so far"
