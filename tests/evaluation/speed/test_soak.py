"""The verdict of a soak: a sentence for each thing that went wrong, worked out by hand."""

import json

import pytest

from rl_router.evaluation.speed.soak import ledger, problems

# 20 prompt tokens at 1 USD and 30 completion tokens at 2 USD a million: 0.00008 USD an answer
GOOD = {
    "requests": 1000.0, "lost": 0.0, "log_lines": 1000.0, "ledger_answered": 900.0, "upstream_answered": 900.0,
    "ledger_usd": 0.072, "memory_first_mb": 200.0, "memory_most_mb": 209.9, "memory_last_mb": 190.0,
}  # fmt: skip


def test_a_good_soak_has_no_problem():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lost": 1.0}, "1 requests ended without an answer or an error"),
        ({"log_lines": 999.0}, "999 log lines for 1000 requests"),
        ({"ledger_answered": 901.0}, "the ledger has 901 answers, the upstream gave 900"),
        ({"ledger_usd": 0.07201}, "the ledger has 0.072010 USD, the upstream's answers cost 0.072000"),
        ({"memory_most_mb": 211.0}, "memory grew by 5.5%, more than 5%"),
    ],
)
def test_each_thing_that_goes_wrong_is_said(change, said):
    assert problems(GOOD | change) == [said]


def test_the_ledger_is_what_the_log_says_was_answered_and_paid(tmp_path):
    answered = {"completion_tokens": 30, "cost_usd": 0.00008}
    failed, unknown = {"completion_tokens": 0, "cost_usd": 0.0}, {"completion_tokens": 0, "cost_usd": None}
    lines = [{"calls": [failed, answered]}, {"calls": [answered]}, {"calls": [unknown]}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert ledger(tmp_path / "log.jsonl") == {
        "log_lines": 3, "ledger_answered": 2.0, "ledger_usd": pytest.approx(0.00016)
    }  # fmt: skip
