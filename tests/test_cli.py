"""What a person types and sees: one sentence and exit code 2 for bad input, and nothing half-written."""

import argparse
import json
import shlex
import subprocess
import sys
from types import ModuleType

import polars as pl
import pytest

from rl_router import cli
from rl_router.cli import listing
from rl_router.errors import BudgetExceededError, DataError, RunError
from rl_router.types import Call, Episode, Mode, ModelReply, Query, StopReason, Usage


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Runs a command that must be refused in an empty folder; returns its sentence."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=2):
        before = sorted(tmp_path.rglob("*"))
        assert cli.main(arguments) == code
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("rl-router: ") and shown.err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return shown.err

    return run


def test_an_unknown_recipe_is_answered_with_the_list_of_recipes(refused):
    assert "did you mean quickstart?; there are dial, dial_dapo, held_out, quickstart, replay" in refused(
        "train", "quickstrat"
    )


def test_a_misspelt_key_is_answered_with_the_right_one(refused):
    assert "did you mean algorithm.steps?" in refused("train", "quickstart", "algorithm.stpes=3")


def test_a_negative_cost_weight_is_refused_in_training(refused):
    assert "greater than or equal to 0, got -1" in refused("train", "quickstart", "cost_weights=[-1]")


@pytest.mark.parametrize("weight", ["-0.5", "nan", "inf"])
def test_a_cost_weight_that_is_no_weight_is_refused_in_routing(refused, weight):
    assert f"zero or more, got {weight}" in refused("route", "runs/any", "hello", f"--cost-weight={weight}")


def test_an_empty_query_is_refused(refused):
    assert "expected a query" in refused("route", "runs/any", "  ")


@pytest.mark.parametrize("command", [["evaluate", "none"], ["report", "none"], ["route", "none", "hello"]])
def test_a_folder_that_is_no_run_is_refused(refused, command):
    assert "config.json" in refused(*command)


def test_a_table_without_a_column_is_refused_before_anything_is_written(refused, tmp_path):
    pl.DataFrame({"query": ["two and two"], "model": ["a"]}).write_parquet(tmp_path / "table.parquet")
    assert "query_id" in refused("train", "replay", "task.table=table.parquet")


def test_a_pool_without_a_price_is_refused_before_anything_is_written(refused, tmp_path):
    (tmp_path / "pool.yaml").write_text("models: [{name: a, tier: small}]")
    assert "input_usd_per_mtok" in refused("train", "quickstart", "task.pool=pool.yaml")


def test_a_run_whose_config_is_cut_in_half_is_refused(refused, tmp_path):
    (tmp_path / "config.json").write_text('{"name": "quick')
    assert "does not hold the config of a run" in refused("evaluate", str(tmp_path))


@pytest.mark.parametrize(("error", "code"), [(DataError, 2), (BudgetExceededError, 3), (RunError, 1)])
def test_the_exit_code_is_the_errors_and_the_message_one_line(refused, monkeypatch, error, code):
    def fail(args):
        raise error("first line\n  second line")

    monkeypatch.setattr(listing, "list_command", fail)
    assert refused("list", "pools", code=code) == "rl-router: first line second line\n"


def test_a_traceback_is_shown_when_asked_for(monkeypatch):
    monkeypatch.setenv("RL_ROUTER_TRACEBACK", "1")
    with pytest.raises(Exception, match="unknown recipe"):
        cli.main(["train", "quickstrat"])


def leaves(parser):
    """Every command that has no commands below it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [leaf for action in below for child in action.choices.values() for leaf in leaves(child)] or [parser]


def words(action):
    """Something to say to an argument: two words where it takes a list, its name before them where it has one."""
    value = next(iter(action.choices or ()), "1" if action.type in (int, float) else "a=1")
    count = {None: 1, "*": 2, "+": 2, 0: 0, "?": 1}[action.nargs]
    return [*action.option_strings[:1], *[value] * count]


@pytest.mark.parametrize("leaf", leaves(cli.parser()), ids=lambda leaf: leaf.prog)
def test_an_option_may_stand_anywhere(leaf):
    positional = [word for action in leaf._get_positional_actions() for word in words(action)]
    options = [action for action in leaf._get_optional_actions() if "--help" not in action.option_strings]
    groups = [group._group_actions for group in leaf._mutually_exclusive_groups if group.required]
    firsts = [group[0] for group in groups]
    options = [action for action in options if not any(action in group[1:] for group in groups)]
    needed = [*firsts, *(action for action in options if action.required)]
    required = [word for action in needed for word in words(action)]
    flags = [action for action in options if action.nargs == 0]
    begin = leaf.prog.split()[1:]
    wanted = {
        flag.dest: vars(cli.parser().parse_args([*begin, *positional, *words(flag), *required])) for flag in flags
    }
    for flag in flags:
        assert wanted[flag.dest][flag.dest] is True
        for at in range(len(positional) + 1):
            mixed = [*positional[:at], *words(flag), *positional[at:], *required]
            assert vars(cli.parser().parse_args([*begin, *mixed])) == wanted[flag.dest]


def test_what_is_no_option_is_still_refused(capsys):
    with pytest.raises(SystemExit):
        cli.main(["data", "collect", "router_r1", "--jsno", "budget_usd=1"])
    assert "unrecognized arguments: --jsno" in capsys.readouterr().err


def test_an_interrupt_exits_with_130(monkeypatch, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "list_command", interrupt)
    assert cli.main(["list", "pools"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error():
    code = (
        "import sys; from rl_router import cli; from rl_router.cli import listing\n"
        "listing.list_command = lambda args: print('x' * 1_000_000)\n"
        "sys.exit(cli.main(['list', 'pools']))"
    )
    command = f"{sys.executable} -c {shlex.quote(code)} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_a_polite_end_is_an_exit_that_cleans_up():
    code = (
        "import os, signal; from rl_router.cli.train import end_on_signals; end_on_signals()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
        "finally: print('cleaned up')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (143, "cleaned up\n")


@pytest.mark.parametrize("what", sorted(listing.ROWS))
def test_lists_are_for_people_and_for_programs(what, capsys):
    assert cli.main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert cli.main(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    names = [line.split()[0] for line in lines if line.split()[0] != "name"]
    assert names == [row["name"] for row in rows]
    assert all(row["description"] for row in rows)


def test_every_router_of_the_results_table_is_listed():
    from rl_router.evaluation.run.results import ORDER

    assert set(ORDER) <= {row["name"] for row in listing.router_rows()}


@pytest.fixture
def run_that_routes(tmp_path, monkeypatch):
    """A run folder whose policy asks nano once, for $0.00002, and answers 4."""
    (tmp_path / "config.json").write_text("{}")
    asked = []

    def route_query(run, text, cost_weight):
        asked.append((run, text, cost_weight))
        reply = ModelReply(model="nano", text="it is 4", usage=Usage(prompt_tokens=12, completion_tokens=5))
        return Episode(
            query=Query(query_id="0", text=text, answers=(), task=""),
            cost_weight=cost_weight,
            mode=Mode.ORCHESTRATE,
            segments=(),
            calls=(Call(model="nano", query="2 + 2", reply=reply, cost_usd=2e-5),),
            stop=StopReason.ANSWERED,
            answer="4",
            quality=None,
            format_ok=True,
            cost_usd=2e-5,
        )

    harness = ModuleType("rl_router.evaluation.run.harness")
    harness.route_query = route_query
    monkeypatch.setitem(sys.modules, "rl_router.evaluation.run.harness", harness)
    return tmp_path, asked


def test_route_shows_every_call_with_its_cost_the_answer_and_the_total(run_that_routes, capsys):
    run, asked = run_that_routes
    assert cli.main(["route", str(run), "what is 2 + 2", "--cost-weight", "0.25"]) == 0
    assert asked == [(run, "what is 2 + 2", 0.25)]
    assert capsys.readouterr().out == (
        "query   what is 2 + 2\n"
        "λ       0.25\n"
        "\n"
        "call 1  nano  $0.0000200  (12 + 5 tokens)\n"
        "        asks   2 + 2\n"
        "        reply  it is 4\n"
        "\n"
        "answer  4\n"
        "total   $0.0000200\n"
        "ended   answered\n"
    )


def test_route_gives_the_whole_episode_as_json(run_that_routes, capsys):
    run, _ = run_that_routes
    assert cli.main(["route", str(run), "what is 2 + 2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["cost_weight"] == 0.5
    assert [(call["model"], call["cost_usd"]) for call in record["calls"]] == [("nano", 2e-5)]
