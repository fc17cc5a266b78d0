import io

import pytest
from rich.console import Console

from rl_router.observe.console import StepProgress, say, summary
from rl_router.observe.formats import count, listed, per_thousand, plus_minus, seconds, signed, usd


def _plain():
    return Console(file=io.StringIO(), width=60)


def _written(console):
    return console.file.getvalue().splitlines()


def test_the_summary_shows_what_a_person_follows_and_skips_what_is_missing():
    metrics = {
        "actor/lr": 0.1,
        "reward/mean": 0.6134,
        "quality/mean": 0.75,
        "cost_usd/mean": 0.00012345,
        "calls/mean": None,
    }
    assert summary({**metrics, "calls/mean": None}) == "reward 0.613  EM 0.75  cost $0.000123"


def test_away_from_a_terminal_there_is_one_plain_line_every_n_steps_and_at_both_ends():
    console = _plain()
    with StepProgress("RL", 10, every=4, console=console) as progress:
        for step in range(1, 11):
            progress.update(step, {"reward/mean": step / 10})
    lines = _written(console)
    assert [line.split("  ")[:2] for line in lines] == [
        ["RL 1/10", "reward 0.10"],
        ["RL 4/10", "reward 0.40"],
        ["RL 8/10", "reward 0.80"],
        ["RL 10/10", "reward 1.00"],
    ]
    assert lines[1].endswith("left") and lines[-1].endswith("in all")
    assert "\x1b" not in console.file.getvalue()


def test_a_resumed_stage_says_its_first_line_at_once():
    console = _plain()
    with StepProgress("RL", 100, start=40, every=50, console=console) as progress:
        progress.update(41, {})
    assert _written(console)[0].startswith("RL 41/100")


def test_on_a_terminal_the_bar_ends_at_its_last_step():
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={"TERM": "xterm"})
    with StepProgress("RL", 2, console=console) as progress:
        progress.update(2, {"reward/mean": 0.5})
    assert "2/2" in console.file.getvalue() and "reward 0.50" in console.file.getvalue()


def test_what_is_said_is_not_taken_for_markup(capsys):
    say("[bold]recipe[/bold] [/nothing] :smile:")
    assert capsys.readouterr().err == "[bold]recipe[/bold] [/nothing] :smile:\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0"),
        (0.00012345, "$0.000123"),
        (0.045, "$0.0450"),
        (12.345, "$12.3"),
        (1234.5, "$1,234"),
        (None, "–"),
        (-0.5, "-$0.500"),
    ],
)
def test_money_has_three_digits_that_count(value, text):
    assert usd(value) == text


def test_numbers_are_written_as_a_reader_wants_them():
    assert (count(0.61), count(0.6134), count(float("nan")), count(None)) == ("0.61", "0.613", "–", "–")
    assert plus_minus(0.6134, 0.02) == "0.613 ± 0.040" and plus_minus(0.5, None) == "0.500"
    assert signed(-0.25, 2) == "−0.25" and signed(0.25, 2) == "+0.25"
    assert per_thousand(0.00002) == "$0.0200"
    assert (seconds(42), seconds(723), seconds(3729)) == ("0:42", "12:03", "1:02:09")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
