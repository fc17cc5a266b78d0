import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from rl_router import cli
from rl_router.data.custom import check_graders
from rl_router.data.queries import read_queries
from rl_router.errors import DataError, RecipeError
from rl_router.pipeline import queries as pipeline
from rl_router.pipeline.queries import Part, QueriesJob, Share, build_queries, sample
from rl_router.recipe import load_step


@pytest.fixture
def sums(tmp_path, monkeypatch):
    """40 training and 20 test sums as gsm8k has them; three sums are in both. Returns the job's maker."""
    monkeypatch.chdir(tmp_path)
    test = [(i, 100) for i in range(20)]
    train = [(i, 1) for i in range(37)] + test[:3]
    for split, pairs in (("train", train), ("test", test)):
        rows = [{"question": f"{a} + {b}?", "answer": f"#### {a + b}"} for a, b in pairs]
        Path(f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def make(train=10, test=5, seed=0, **changes):
        paths = {"train": "train.jsonl", "test": "test.jsonl"}
        share = Share(train=train, test=test, path=paths)
        return QueriesJob(out=Path("out/queries.parquet"), seed=seed, benchmarks={"gsm8k": share}, **changes)

    return make


def texts(queries, split):
    return [query.text.partition("\n")[0] for query in queries if query.split == split]


def test_each_split_gets_its_share_and_the_file_is_what_was_returned(sums):
    job = sums()
    queries = build_queries(job)
    assert (len(texts(queries, "test")), len(texts(queries, "train"))) == (5, 10)
    assert read_queries(job.out) == queries
    assert sorted(path.name for path in job.out.parent.iterdir()) == ["queries.json", "queries.parquet"]
    assert queries[0].query_id.startswith("gsm8k/test/") and queries[0].grader == "number"


def test_no_training_question_is_held_out(sums):
    queries = build_queries(sums(train="all", test="all"))
    assert len(texts(queries, "train")) == 37
    assert not set(texts(queries, "train")) & set(texts(queries, "test"))
    (test, train) = json.loads(sums().manifest.read_text())["splits"]
    assert (test["questions"], train["questions"], train["rows"], train["repeats_of_held_out"]) == (20, 37, 40, 3)


def test_a_seed_draws_the_same_questions_and_a_larger_share_holds_a_smaller_one(sums):
    small, large = set(texts(build_queries(sums()), "train")), set(texts(build_queries(sums(train=20)), "train"))
    assert small < large
    assert set(texts(build_queries(sums()), "train")) == small
    assert set(texts(build_queries(sums(seed=1)), "train")) != small


def test_a_sample_keeps_the_order_of_its_source(sums):
    drawn = texts(build_queries(sums(train=20)), "train")
    assert drawn == sorted(drawn, key=lambda text: int(text.split()[0]))
    assert sample([], 3, 0) == []


def test_the_same_job_is_not_done_twice_and_another_one_is(sums, capsys, monkeypatch):
    build_queries(sums())
    monkeypatch.setattr(pipeline, "load_rows", lambda *_: pytest.fail("loaded again"))
    assert len(build_queries(sums())) == 15
    assert "is there already" in capsys.readouterr().err
    monkeypatch.undo()


def test_a_changed_file_is_read_again(sums):
    build_queries(sums(test=2))
    Path("test.jsonl").write_text('{"question": "new?", "answer": "#### 7"}\n')
    assert texts(build_queries(sums(test=2)), "test") == ["new?"]


def test_a_question_whose_own_answer_is_refused_is_left_out_and_named(sums):
    rows = [{"question": f"{i}?", "answer": f"#### {i}"} for i in range(4)]
    rows.append({"question": "odd?", "answer": "#### none"})
    Path("test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = sums(train=0, test="all")
    assert texts(build_queries(job), "test") == ["0?", "1?", "2?", "3?"]
    (row,) = json.loads(job.manifest.read_text())["splits"]
    assert row["refused"] == {"gsm8k/test/4": "the grader 'number' gives None to its own answer 'none'"}


def test_a_benchmark_that_fails_against_itself_is_an_error_and_writes_no_file(sums):
    rows = [{"question": f"{i}?", "answer": "#### none"} for i in range(3)]
    Path("test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="3 of 3 questions of gsm8k fail against their own .*, the first gsm8k/test/0"):
        build_queries(sums(train=0, test="all"))
    assert not sums().out.exists()


@pytest.mark.parametrize(
    ("benchmarks", "says"),
    [
        ({"gsmk": Share(test=1)}, "no benchmark 'gsmk'; did you mean gsm8k?"),
        ({"bamboogle": Share(train=1)}, "bamboogle has no split 'train'; it has test"),
        ({"gsm8k": Share()}, "Every benchmark has 0 questions"),
        ({"gsm8k": Share(test=1, path="none.jsonl")}, "no file or folder none.jsonl"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_in_one_sentence_and_writes_nothing(
    tmp_path, monkeypatch, benchmarks, says
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=says):
        build_queries(QueriesJob(out=Path("out/q.parquet"), benchmarks=benchmarks))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("benchmarks.gsm8k.tst=3", "did you mean benchmarks.NAME.test"),
        ("benchmarks.gsm8k.test=some", "benchmarks.gsm8k.test does not fit: expected a number of questions, or all"),
        ("benchmarks.gsm8k.test=-1", "expected a number of questions, or all, got -1"),
        ("sede=1", "did you mean seed"),
    ],
)
def test_a_recipe_with_a_wrong_key_or_count_is_refused(change, says):
    with pytest.raises(RecipeError, match=says):
        load_step(QueriesJob, "router_r1", [change], folder="queries")


RECIPE = """# sums
out: out/queries.parquet
benchmarks:
  gsm8k: {train: 10, test: 5, path: {train: train.jsonl, test: test.jsonl}}
"""


def test_the_command_says_what_was_drawn(sums, capsys):
    Path("mine.yaml").write_text(RECIPE)
    assert cli.main(["data", "queries", "mine.yaml", "benchmarks.gsm8k.train=all", "benchmarks.gsm8k.test=all"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "gsm8k test: 20 of 20 rows",
        "gsm8k train: 37 of 40 rows, 3 left out as held-out questions",
        "57 questions in out/queries.parquet; what was left out and why is in out/queries.json",
    ]
    assert (
        cli.main(["data", "queries", "mine.yaml", "benchmarks.gsm8k.train=all", "benchmarks.gsm8k.test=all", "--json"])
        == 0
    )
    assert [row["questions"] for row in json.loads(capsys.readouterr().out)] == [20, 37]


CUSTOM = """
from rl_router.data.custom import Item, benchmark, grader

@grader("sum_of_digits")
def sum_of_digits(response, query):
    return float(response.strip() == query.answers[0])

@benchmark("digits", grader="sum_of_digits")
def digits(row):
    return Item(text=row["text"], answers=(str(sum(map(int, row["text"]))),))
"""


def test_a_recipe_may_name_custom_tasks(sums, capsys):
    from rl_router.data.benchmarks import BENCHMARKS
    from rl_router.data.graders import GRADERS

    Path("tasks.py").write_text(CUSTOM)
    Path("digits.jsonl").write_text('{"text": "123"}\n{"text": "40"}\n')
    Path("mine.yaml").write_text(
        "# digits\nout: q.parquet\ncustom_tasks: tasks.py\nbenchmarks:\n  digits: {test: all, path: digits.jsonl}\n"
    )
    try:
        assert cli.main(["data", "queries", "mine.yaml"]) == 0
        queries = read_queries("q.parquet")
        assert [query.answers for query in queries] == [("6",), ("4",)]
        needed = {"path": "tasks.py", "sha256": sha256(CUSTOM.encode()).hexdigest()}
        assert [query.meta for query in queries] == [{"grader_file": needed}] * 2
        check_graders(queries)
        assert "has changed since" not in capsys.readouterr().err
        Path("tasks.py").write_text(CUSTOM.replace("strip()", "strip(' .')"))
        check_graders(queries)
        assert "is not the one of tasks.py that the questions were made with" in capsys.readouterr().err
    finally:
        BENCHMARKS.remove("digits")
        GRADERS.remove("sum_of_digits")
    with pytest.raises(
        DataError, match=r"graded by 'sum_of_digits', .* had in tasks.py; .* pass custom_tasks=tasks.py"
    ):
        check_graders(queries)
    with pytest.raises(DataError, match="There is no grader 'sum_of_digits'"):
        check_graders([replace(query, meta={}) for query in queries])


def test_a_custom_file_that_has_changed_makes_the_questions_anew(sums):
    from rl_router.data import custom
    from rl_router.data.benchmarks import BENCHMARKS
    from rl_router.data.graders import GRADERS

    file = Path("tasks.py")
    file.write_text(CUSTOM)
    custom.load_custom_tasks(file)
    try:
        part = Part(benchmark=BENCHMARKS.get("digits"), split="test", count=None, path=None, seed=0)
        before = part.key
        assert part.key == before
        file.write_text(CUSTOM + "# changed\n")
        assert part.key != before
    finally:
        BENCHMARKS.remove("digits")
        GRADERS.remove("sum_of_digits")


def killed_while_it_checks(folder):
    """Starts the command in a process of its own and kills it once some answers have been checked."""
    command = [sys.executable, "-m", "rl_router.cli", "data", "queries", "mine.yaml"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checked = folder / "out" / "queries.unfinished" / "checked.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if checked.exists() and checked.read_bytes().count(b"\n") >= 2:
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    process.wait(60)
    return process.returncode


@pytest.mark.timeout(120)
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "task_id": i,
            "text": "Add.",
            "code": f"def f(x):\n    return x + {i}",
            "test_list": [f"assert f(1) == {i + 1}"],
        }
        for i in range(30)
    ]
    Path("test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("mine.yaml").write_text(
        "# sums\nout: out/queries.parquet\nbenchmarks:\n  mbpp: {test: 24, path: test.jsonl}\n"
    )
    assert killed_while_it_checks(tmp_path) == -signal.SIGKILL
    assert not Path("out/queries.parquet").exists()
    graded = []
    monkeypatch.setattr(pipeline, "gold_faults", lambda query: graded.append(query) or iter(()))
    monkeypatch.setattr(pipeline, "load_rows", lambda *_: pytest.fail("loaded again"))
    resumed = build_queries(load_step(QueriesJob, "mine.yaml", folder="queries"))
    assert len(resumed) == 24 and len(graded) <= 22
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    undisturbed = build_queries(load_step(QueriesJob, "mine.yaml", ["out=other.parquet"], folder="queries"))
    assert undisturbed == resumed
