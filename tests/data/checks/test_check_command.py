import json
import subprocess
import sys

import polars as pl
import pytest

from rl_router import cli
from rl_router.cli.data_check import KINDS
from rl_router.data.checks import Kind


@pytest.fixture
def files(clean, tmp_path):
    clean.write_parquet(tmp_path / "clean.parquet")
    clean.with_columns(score=pl.col("score") * 100).write_parquet(tmp_path / "percent.parquet")
    return tmp_path


def test_a_clean_table_exits_with_0_and_shows_its_headroom(files, capsys):
    assert cli.main(["data", "check", str(files / "clean.parquet")]) == 0
    shown = capsys.readouterr()
    assert "no faults" in shown.out and "headroom on test: 100 queries" in shown.out and shown.err == ""


def test_faults_exit_with_1_and_are_shown_on_standard_output(files, capsys):
    assert cli.main(["data", "check", str(files / "percent.parquet")]) == 1
    shown = capsys.readouterr()
    assert "FAULT score" in shown.out
    assert shown.err.endswith("has faults (score); mend them, or --allow what is known.\n")


def test_allowed_faults_are_notes(files):
    assert cli.main(["data", "check", str(files / "percent.parquet"), "--allow", "score"]) == 0


def test_json_holds_the_whole_report(files, capsys):
    assert cli.main(["data", "check", str(files / "clean.parquet"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["queries"], report["faults"], report["findings"]) == (600, 0, [])
    assert {level["name"] for level in report["headrooms"][0]["levels"]} >= {"random", "best per task", "oracle"}


def test_what_is_no_parquet_exits_with_2(files, capsys):
    (files / "text.parquet").write_text("query")
    assert cli.main(["data", "check", str(files / "text.parquet")]) == 2
    assert "cannot be read as a parquet file" in capsys.readouterr().err


def test_help_states_the_exit_codes():
    done = subprocess.run(
        [sys.executable, "-m", "rl_router.cli", "data", "check", "--help"], capture_output=True, text=True, timeout=60
    )
    assert "1 when there is one" in done.stdout


def test_every_kind_can_be_allowed():
    assert list(KINDS) == [kind.value for kind in Kind]
