"""The worked example of docs/benchmarks.md does what the page says."""

import re
from pathlib import Path

import numpy as np

from rl_router import cli
from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.custom import METRICS
from rl_router.data.graders import GRADERS, grade
from rl_router.data.queries import read_queries

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()


def block(language):
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return text


def test_the_worked_example_makes_a_queries_file_that_its_grader_grades(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, language in (("capitals.py", "python"), ("capitals.jsonl", "json"), ("capitals.yaml", "yaml")):
        Path(name).write_text(block(language))
    try:
        assert cli.main(["data", "queries", "capitals.yaml"]) == 0
        france, kazakhstan = read_queries("runs/queries/capitals.parquet")
        assert grade(france.grader, "Paris.", france) == 1.0
        assert grade(kazakhstan.grader, "Nur-Sultan", kazakhstan) == 1.0
        assert grade(kazakhstan.grader, "It is Astana", kazakhstan) == 0.0
        assert METRICS.get("right_per_usd")(np.array([1.0, 0.0]), np.array([0.1, 0.3])) == 2.5
    finally:
        BENCHMARKS.remove("capitals")
        GRADERS.remove("one_word")
        METRICS.remove("right_per_usd")


def test_the_tables_of_the_page_are_what_the_commands_print(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what in ("benchmarks", "graders"):
        assert cli.main(["list", what, "--markdown"]) == 0
        assert f"<!-- rl-router list {what} --markdown -->\n{capsys.readouterr().out}" in PAGE
