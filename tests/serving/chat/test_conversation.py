"""What of a conversation is sent with the next question, and what it has cost."""

import pytest

from rl_router.encoders.hashing import HashingEncoder
from rl_router.serving.chat.conversation import Conversation, Turn, messages, most_similar

PRICED = {"request_id": "r", "total_cost": 0.25, "cost_known": True}
TURNS = (
    Turn(question="capital of France", answer="Paris", metadata=PRICED),
    Turn(question="two plus two", answer="4", metadata=PRICED),
    Turn(question="capital of Peru", error="no model answers"),
    Turn(question="capital of Spain", answer="Madr", error="stopped"),
    Turn(question="capital of Italy", answer="Rome", metadata=PRICED),
)


def sent(mode, similar=lambda past, question: []):
    return [message["content"] for message in messages(TURNS, "capital of Chile", mode, similar)]


def test_a_question_alone_is_sent_alone():
    assert messages(TURNS, "hello", "current_only", lambda past, question: [0]) == [
        {"role": "user", "content": "hello"}
    ]


def test_the_full_context_is_every_whole_answer_with_its_question():
    assert sent("full_context") == [
        "capital of France", "Paris", "two plus two", "4", "capital of Italy", "Rome", "capital of Chile",
    ]  # fmt: skip
    assert [message["role"] for message in messages(TURNS, "q", "full_context", list)] == ["user", "assistant"] * 3 + [
        "user"
    ]


def test_retrieval_sends_the_similar_questions_in_the_order_in_which_they_were_asked():
    def similar(past, question):
        return most_similar(HashingEncoder(256), past, question, 2)

    assert sent("retrieval", similar) == [
        "capital of France", "Paris", "capital of Italy", "Rome", "capital of Chile",
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "found"), [(0, []), (1, [2]), (2, [0, 2]), (9, [0, 2])])
def test_the_nearest_questions_are_found_and_unlike_ones_are_not(count, found):
    class Given:
        def encode(self, texts):
            import numpy as np

            return np.array([[0.6, 0.8], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], dtype=np.float32)

    assert most_similar(Given(), ["a", "b", "c"], "like c", count) == found


def test_before_the_first_question_nothing_is_similar():
    assert most_similar(HashingEncoder(16), [], "hello", 3) == []


def test_a_conversation_costs_what_its_answers_cost_and_says_where_that_is_not_all():
    assert Conversation(turns=TURNS[:3]).cost_usd == 0.5
    assert not Conversation(turns=TURNS[:3]).has_unknown_cost  # nothing was answered, nothing was paid
    assert Conversation(turns=TURNS[:4]).has_unknown_cost
    uncounted = Turn(question="q", answer="a", metadata={**PRICED, "cost_known": False})
    assert Conversation(turns=(uncounted,)).has_unknown_cost


def test_a_stopped_answer_is_marked_once_and_a_whole_one_is_left_alone():
    going_on = Conversation(turns=(Turn(question="q", answer="so f"),))
    assert going_on.stopped().turns[0].error == "stopped"
    whole = Conversation(turns=TURNS[:2])
    assert whole.stopped() is whole
    assert Conversation().stopped().turns == ()


def test_every_conversation_has_an_id_of_its_own_and_keeps_it():
    one = Conversation()
    assert one.id != Conversation().id
    assert one.and_then(TURNS[0]).id == one.id
