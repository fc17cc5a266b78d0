import sys

import numpy as np
import pytest

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.custom import METRICS, load_custom_tasks
from rl_router.data.graders import GRADERS, grade
from rl_router.errors import DataError
from rl_router.types import Query

TASKS = '''
from rl_router.data.custom import Item, benchmark, grader, metric

@grader("one_word", description="the right answer in a single word")
def one_word(response, query):
    return 1.0 if response.split() == list(query.answers) else 0.0

@benchmark("capitals", grader="one_word", licence="CC0")
def capitals(row):
    """Capitals of countries."""
    return Item(text=row["question"], answers=(row["answer"],))

@metric("right_per_usd")
def right_per_usd(quality, cost_usd):
    return float(quality.sum() / cost_usd.sum())
'''


@pytest.fixture(autouse=True)
def as_it_was(tmp_path, monkeypatch):
    """An empty working folder, and afterwards neither names nor modules of custom files."""
    monkeypatch.chdir(tmp_path)
    before = [(registry, set(registry)) for registry in (BENCHMARKS, GRADERS, METRICS)]
    modules = set(sys.modules)
    yield
    for registry, names in before:
        for name in set(registry) - names:
            registry.remove(name)
    for name in set(sys.modules) - modules:
        if name.startswith("rl_router_custom_"):
            del sys.modules[name]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_adds_a_benchmark_a_grader_and_a_metric(tmp_path):
    file = write(tmp_path / "mine.py", TASKS)
    assert load_custom_tasks(file) == [file]
    query = BENCHMARKS.get("capitals").query({"question": "Of France?", "answer": "Paris"}, "test", 3)
    assert (query.query_id, query.grader) == ("capitals/test/3", "one_word")
    assert grade("one_word", "Paris", query) == 1.0
    assert grade("one_word", "It is Paris", query) == 0.0
    assert METRICS.get("right_per_usd")(np.array([1.0, 0.0, 1.0]), np.array([0.1, 0.1, 0.3])) == pytest.approx(4.0)
    assert BENCHMARKS.get("capitals").title == "Capitals of countries."


def test_custom_tasks_in_the_working_folder_are_found_and_run_once(tmp_path):
    write(tmp_path / "custom_tasks" / "a.py", TASKS)
    assert [file.name for file in load_custom_tasks()] == ["a.py"]
    load_custom_tasks()
    load_custom_tasks(tmp_path / "custom_tasks")
    assert "capitals" in BENCHMARKS


def test_nothing_outside_the_named_folder_runs(tmp_path):
    bad = "raise RuntimeError('ran')"
    write(tmp_path / "setup.py", bad)
    write(tmp_path / "custom_tasks" / "deeper" / "b.py", bad)
    write(tmp_path / "custom_tasks" / "notes.txt", bad)
    assert load_custom_tasks() == []
    write(tmp_path / "custom_tasks" / "c.py", bad)
    mine = write(tmp_path / "mine.py", TASKS)
    assert load_custom_tasks(mine) == [mine]  # naming a file leaves ./custom_tasks alone


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("x = 1\ndef f(:\n", 2, "SyntaxError"),
        ("x = 1\n\ny = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("\n\nimport no_such_module\n", 3, "No module named 'no_such_module'"),
    ],
)
def test_an_error_in_a_file_is_named_with_its_line(tmp_path, text, line, says):
    file = write(tmp_path / "mine.py", text)
    with pytest.raises(DataError) as error:
        load_custom_tasks(file)
    assert str(error.value).startswith(f"{file}:{line}: ")
    assert says in str(error.value)


def test_a_file_that_fails_half_way_leaves_no_name_behind_and_can_be_mended(tmp_path):
    file = write(tmp_path / "mine.py", TASKS + "\nboom\n")
    with pytest.raises(DataError, match="mine.py:17: NameError"):
        load_custom_tasks(file)
    assert "capitals" not in BENCHMARKS and "one_word" not in GRADERS and "right_per_usd" not in METRICS
    file.write_text(TASKS)
    load_custom_tasks(file)
    assert "capitals" in BENCHMARKS


@pytest.mark.parametrize("decorator", ['@benchmark("gsm8k", grader="number")', '@grader("number")'])
def test_a_name_that_is_taken_is_refused_with_both_places(tmp_path, decorator):
    text = f"from rl_router.data.custom import benchmark, grader\n{decorator}\ndef f(*x): return None\n"
    file = write(tmp_path / "mine.py", text)
    with pytest.raises(DataError, match=f"{file}:2 defines the .*, but rl_router did already; give it another name"):
        load_custom_tasks(file)


def test_an_error_inside_a_grader_or_a_benchmark_names_its_line(tmp_path):
    text = TASKS.replace("return 1.0 if", "return 1 / 0 if").replace('row["answer"]', 'row["anwser"]')
    file = write(tmp_path / "mine.py", text)
    load_custom_tasks(file)
    with pytest.raises(DataError, match=f"{file}:6: grader 'one_word': ZeroDivisionError"):
        grade("one_word", "Paris", Query(query_id="q", text="?", answers=("Paris",), task="t"))
    with pytest.raises(DataError, match=f"{file}:11: benchmark 'capitals': KeyError: 'anwser'"):
        BENCHMARKS.get("capitals").query({"question": "?", "answer": "x"}, "test", 0)


def test_a_path_that_holds_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="no file or folder of custom tasks at .*none.py"):
        load_custom_tasks(tmp_path / "none.py")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no .py file"):
        load_custom_tasks(tmp_path / "empty")
    write(tmp_path / "tasks.txt", TASKS)
    with pytest.raises(DataError, match="tasks.txt is no Python file"):
        load_custom_tasks(tmp_path / "tasks.txt")
