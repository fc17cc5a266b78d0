"""Benchmarks whose rows are not at hand, on rows written by hand in the shape that their hub sets have."""

import base64
import json
import pickle
import zlib

import pytest

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.benchmarks.livecodebench import cases_in, pickled_text, within
from rl_router.data.benchmarks.prompts import image_url
from rl_router.data.benchmarks.validation import validate
from rl_router.data.graders import grade
from rl_router.data.queries import message_content
from rl_router.errors import DataError

PNG = b"\x89PNG\r\n\x1a\n"


def question(name, row, split="test"):
    return BENCHMARKS.get(name).query(row, split, 0)


def gpqa_row(record):
    wrong = {f"Incorrect Answer {i}": f"wrong {i}" for i in (1, 2, 3)}
    return {"Record ID": record, "Question": "Which is right?", "Correct Answer": "right", **wrong}


def test_the_key_of_gpqa_names_the_right_option_wherever_the_shuffle_put_it():
    made = [question("gpqa", gpqa_row(f"rec{i}")) for i in range(200)]
    assert all(query.choices[query.answers[0]] == "right" for query in made)
    counts = {label: sum(query.answers == (label,) for query in made) for label in "ABCD"}
    assert min(counts.values()) >= 30  # 50 each on average: the key is no habit
    assert all(sorted(query.choices.values()) == ["right", "wrong 1", "wrong 2", "wrong 3"] for query in made)
    assert validate(made) == []


def test_the_shuffle_of_gpqa_depends_on_the_record_alone():
    assert question("gpqa", gpqa_row("rec7")) == question("gpqa", gpqa_row("rec7"))
    assert list(question("gpqa", gpqa_row("rec0")).choices.values()) == ["wrong 1", "right", "wrong 3", "wrong 2"]


def test_mmlu_pro_has_up_to_ten_options_and_leaves_its_fillers_out():
    options = [str(n) for n in range(9)] + ["N/A"]
    row = {"question_id": 7, "question": "2 + 2?", "options": options, "answer": "E", "category": "math"}
    query = question("mmlu_pro", row)
    assert list(query.choices) == list("ABCDEFGHI")
    assert validate([query]) == []
    assert grade("choice", "The answer is (I).", query) == 0.0


def lcb_row(**changes):
    public = [{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]
    private = [{"input": "5 6\n", "output": "11\n", "testtype": "stdin"}]
    packed = base64.b64encode(zlib.compress(pickle.dumps(json.dumps(private)))).decode()
    row = {"question_id": "abc1_a", "question_content": "Add.", "starter_code": "", "platform": "atcoder"}
    return {**row, "public_test_cases": json.dumps(public), "private_test_cases": packed, "metadata": "{}", **changes}


def test_the_hidden_tests_of_livecodebench_are_read_without_unpickling():
    query = question("livecodebench", lcb_row())
    assert query.meta["tests"]["cases"] == [{"input": "1 2\n", "output": "3\n"}, {"input": "5 6\n", "output": "11\n"}]
    assert grade("code", "print(sum(map(int, input().split())))", query) == 1.0
    assert grade("code", "print(3)", query) == 0.0


class Evil:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize("value", [Evil(), ["a", "b"], {"a": 1}, 5])
def test_a_pickle_of_anything_but_a_text_is_refused_unread(value, capsys):
    with pytest.raises(ValueError, match="no pickled text"):
        pickled_text(pickle.dumps(value))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("protocol", range(1, pickle.HIGHEST_PROTOCOL + 1))
def test_texts_of_every_length_and_protocol_are_read(protocol):
    for text in ("", "é", "x" * 300):
        assert pickled_text(pickle.dumps(text, protocol)) == text
    assert cases_in("[]") == []


def test_functions_of_livecodebench_are_called_with_a_line_of_json_per_argument():
    case = {"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}
    changes = {
        "public_test_cases": json.dumps([case]),
        "private_test_cases": "[]",
        "metadata": '{"func_name": "total"}',
        "starter_code": "class Solution:\n    def total(self, xs: List[int], n: int) -> int:\n        ",
    }
    query = question("livecodebench", lcb_row(**changes))
    assert "def total(self, xs: List[int]" in query.text
    code = "class Solution:\n    def total(self, xs: List[int], n: int) -> int:\n        return sum(xs) + n"
    assert grade("code", f"```python\n{code}\n```", query) == 1.0


def test_tests_beyond_the_limit_are_left_out_and_counted():
    cases = [{"input": "x" * 10, "output": "y" * 10}] * 5
    assert len(within(cases, 45)) == 3  # the first always, then 20 + 20


def test_ifeval_keeps_the_arguments_of_each_instruction():
    row = {
        "key": 1000,
        "prompt": "Write without commas, twice the word tea.",
        "instruction_id_list": ["punctuation:no_comma", "keywords:frequency"],
        "kwargs": [{"num_words": None}, {"keyword": "tea", "frequency": 2, "relation": "at least", "num_words": None}],
    }
    query = question("ifeval", row)
    assert query.meta["instructions"][1] == {
        "id": "keywords:frequency",
        "keyword": "tea",
        "frequency": 2,
        "relation": "at least",
    }
    assert grade("instructions", "tea tea", query) == 1.0
    assert grade("instructions", "tea, tea", query) == 0.0


def test_mt_bench_asks_each_turn_with_its_reference_whichever_copy_it_is():
    fastchat = {"question_id": 111, "category": "math", "turns": ["2 + 2?", "And 3?"], "reference": ["4", "5"]}
    hub = {"prompt_id": 111, "category": "math", "prompt": ["2 + 2?", "And 3?"], "reference": ["4", "5"]}
    for row in (fastchat, hub):
        query = question("mt_bench", row)
        assert (query.text, query.meta["reference"], query.grader) == ("2 + 2?", "4", "judge")
        second = question("mt_bench_turn2", row)
        assert (second.text, second.meta["reference"]) == ("2 + 2?\n\nAnd 3?", "5")
        assert second.meta["turns"] == ["2 + 2?", "And 3?"] and "turns" not in query.meta
    assert "reference" not in question("mt_bench", {**hub, "reference": []}).meta


def test_geometry3k_shows_its_figure_as_a_content_part():
    row = {"images": [{"bytes": PNG, "path": None}], "problem": "<image>Find x.", "answer": "2 \\sqrt { 3 }"}
    query = question("geometry3k", row)
    image, text = message_content(query, query.text)
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert text["text"].startswith("Find x.")
    assert validate([query]) == []
    assert grade("maths", "\\boxed{\\sqrt{12}}", query) == 1.0


def test_an_image_of_datasets_becomes_png():
    image = pytest.importorskip("PIL.Image").new("L", (2, 2))
    row = {"images": [image], "problem": "Find x.", "answer": "3"}
    assert question("geometry3k", row).meta["images"][0].startswith("data:image/png;base64,iVBOR")


def vista(**changes):
    row = {"pid": "1", "question": "How long?", "decoded_image": {"bytes": PNG}, "choices": None, "unit": "cm"}
    return {**row, "precision": None, "question_type": "free_form", "answer_type": "integer", **changes}


@pytest.mark.parametrize(
    ("row", "right", "wrong"),
    [
        (vista(answer="5"), "Answer: 5", "Answer: 6"),
        (vista(answer="1.2", answer_type="float", precision=1.0), "Answer: 1.24", "Answer: 1.3"),
        (vista(answer="[1, 2]", answer_type="list"), "Answer: [1, 2]", "Answer: [2, 1]"),
        (vista(answer="No", question_type="multi_choice", choices=["Yes", "No"], answer_type="text"), "B", "A"),
    ],
)
def test_mathvista_is_graded_by_the_type_of_its_answer(row, right, wrong):
    query = question("mathvista", row)
    assert validate([query]) == []
    assert grade(query.grader, right, query) == 1.0
    assert grade(query.grader, wrong, query) == 0.0
    assert "(Unit: cm)" in query.text


def test_unanswerable_questions_and_withheld_answers_are_no_questions():
    musique = {"id": "1", "question": "Who?", "answer": "Ann", "answer_aliases": [], "answerable": False}
    assert question("musique", musique) is None
    choices = {"label": ["A", "B"], "text": ["x", "y"]}
    assert question("commonsense_qa", {"id": "1", "question": "?", "choices": choices, "answerKey": ""}) is None
    assert (
        question("bfcl", {"id": "simple_1", "question": [[{"role": "user", "content": "x"}]], "function": []}) is None
    )


def live(category, task, truth, **changes):
    row = {"question_id": "q", "category": category, "task": task, "ground_truth": truth, "turns": ["Do it."]}
    return {**row, "livebench_release_date": "2024-11-25", "livebench_removal_date": "", **changes}


@pytest.mark.parametrize(
    ("category", "task", "truth", "right", "wrong"),
    [
        ("math", "math_comp", "D", "DDDDD", "EEEEE"),
        ("math", "math_comp", "025", "Answer: 25", "Answer: 250"),
        ("math", "AMPS_Hard", "\\frac{1}{2}", "\\boxed{0.5}", "\\boxed{2}"),
        ("math", "olympiad", "2,1", "Answer: 2,1", "Answer: 3"),
        ("reasoning", "web_of_lies_v2", "no, yes, yes", "**no, yes, yes**", "**no, yes, no**"),
        ("reasoning", "zebra_puzzle", "2, tea", "<solution>2, tea</solution>", "<solution>1, milk</solution>"),
        ("language", "typos", "It works.", "It works.", "It wroks."),
        ("data_analysis", "cta", "Country_Name", "country_name", "city"),
        ("data_analysis", "tablejoin", "{'a': 'b'}", '{"a": "b"}', '{"a": "c"}'),
    ],
)
def test_livebench_is_graded_by_its_task(category, task, truth, right, wrong):
    query = question(f"livebench_{category}", live(category, task, truth))
    assert (query.text, query.task) == ("Do it.", f"livebench/{task}")
    assert validate([query]) == []
    assert grade(query.grader, right, query) == 1.0
    assert grade(query.grader, wrong, query) == 0.0


def test_what_livebench_took_out_or_cannot_be_graded_here_is_no_question():
    gone = live("reasoning", "spatial", "2", livebench_removal_date="2025-04-02")
    assert question("livebench_reasoning", gone) is None
    assert question("livebench_language", live("language", "plot_unscrambling", "A story.")) is None
    assert question("livebench_data_analysis", live("data_analysis", "tablereformat", "{}")) is None


def test_instructions_of_livebench_count_in_part():
    row = live("instruction_following", "paraphrase", None, kwargs=[{"keywords": ["tea"]}, {}])
    row["instruction_id_list"] = ["keywords:existence", "punctuation:no_comma"]
    query = question("livebench_instruction_following", row)
    assert grade(query.grader, "tea with milk", query) == 1.0
    assert grade(query.grader, "tea, with milk", query) == 0.25  # one of two, and not all: (1/2 + 0) / 2
    assert grade(query.grader, "milk, no", query) == 0.0


@pytest.mark.parametrize(
    ("name", "row", "right", "wrong"),
    [
        ("amc23", {"id": 0, "question": "3^3?", "answer": "27.0"}, "\\boxed{27}", "\\boxed{9}"),
        ("minerva", {"question": "Mass?", "answer": "2.5 \\times 10^{3}"}, "\\boxed{2500}", "\\boxed{250}"),
        (
            "olympiadbench",
            {"id": 1, "question": "Solve.", "final_answer": ["$1$", "$\\frac{1}{2}$"], "subfield": "Algebra"},
            "\\boxed{\\frac12, 1}",
            "\\boxed{1}",
        ),
    ],
)
def test_more_mathematics(name, row, right, wrong):
    query = question(name, row)
    assert validate([query]) == []
    assert grade(query.grader, right, query) == 1.0
    assert grade(query.grader, wrong, query) == 0.0


def test_an_olympiad_problem_without_an_answer_is_no_question():
    assert question("olympiadbench", {"id": 1, "question": "Prove.", "final_answer": None}) is None


def test_code_contests_are_judged_by_public_hidden_and_generated_tests():
    none = {"input": [], "output": []}
    row = {
        "name": "1_A. Sum",
        "description": "Add.",
        "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
        "private_tests": {"input": ["2 2\n"], "output": ["4\n"]},
        "generated_tests": {"input": ["0 7\n"], "output": ["7\n"]},
    }
    query = question("code_contests", row)
    assert len(query.meta["tests"]["cases"]) == 3 and query.meta["tests_left_out"] == 0
    assert grade("code", "print(sum(map(int, input().split())))", query) == 1.0
    assert grade("code", "print(input()[-1])", query) == 0.0
    assert question("code_contests", {**row, "description": "See <image>."}) is None
    untested = {**row, "public_tests": none, "private_tests": none, "generated_tests": none}
    assert question("code_contests", untested) is None


def test_humaneval_plus_has_the_columns_of_humaneval():
    row = {
        "task_id": "HumanEval/0",
        "prompt": "def double(x):\n",
        "entry_point": "double",
        "canonical_solution": "    return 2 * x\n",
        "test": "def check(candidate):\n    for x in range(50):\n        assert candidate(x) == x + x\n",
    }
    query = question("humaneval_plus", row)
    assert query.query_id == "humaneval_plus/test/0" and validate([query]) == []
    assert grade("code", "```python\ndef double(x):\n    return x\n```", query) == 0.0


def bfcl_row(identity, truth, **changes):
    asked = [[{"role": "user", "content": "Do it."}]]
    return {"id": identity, "question": asked, "function": [{"name": "run"}], "ground_truth": truth, **changes}


@pytest.mark.parametrize(
    ("truth", "right", "wrong"),
    [
        (
            {"path": ["new Path('/a.txt')"], "force": [True]},
            {"path": "new Path('/a.txt')", "force": True},
            {"force": 1},
        ),
        ({"ids": [[1, 2]], "to": [5]}, {"ids": [1, 2], "to": 5}, {"ids": [2, 1], "to": 5}),
        ({"from": [20.5, "20.5"]}, {"from": "20.5"}, {"from": 20}),
        ({"meta": [{"limit": [50], "of": ["x"]}]}, {"meta": {"limit": 50, "of": "x"}}, {"meta": {"limit": 50}}),
        ({"name": ["a"], "deep": ["", "null"]}, {"name": "a"}, {"name": "b", "deep": "null"}),
    ],
)
def test_calls_of_java_and_javascript_are_asked_for_and_compared_as_json(truth, right, wrong):
    for identity, language in (("java_3", "Java"), ("simple_javascript_3", "JavaScript")):
        query = question("bfcl", bfcl_row(identity, [{"Type.run": truth}]))
        assert f"The functions are {language}'s." in query.text
        assert validate([query]) == []
        assert grade("function_calls", json.dumps([{"name": "Type.run", "arguments": right}]), query) == 1.0
        assert grade("function_calls", json.dumps([{"name": "Type.run", "arguments": wrong}]), query) == 0.0
    assert "The functions are" not in question("bfcl", bfcl_row("simple_python_3", [{"run": {}}])).text


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        ("multi_turn_base_7", "category multi_turn_base is graded by simulated machines"),
        ("exec_simple_7", "category exec_simple is graded by running functions"),
        ("live_relevance_3-3-0", "category live_relevance says that some call is due, not which one"),
        ("rest_1", "category rest is graded by calling the network"),
    ],
)
def test_categories_that_only_running_something_grades_are_refused(identity, why):
    with pytest.raises(DataError, match=why):
        question("bfcl", bfcl_row(identity, [["run(x=1)"]]))


def test_a_row_of_another_shape_says_what_it_lacks_and_what_it_has():
    with pytest.raises(
        DataError, match="Row 0 of gsm8k/test lacks 'answer'; it has the columns question. .*openai/gsm8k"
    ):
        question("gsm8k", {"question": "2 + 2?"})
    with pytest.raises(DataError, match="does not fit .a solution without its #### answer"):
        question("gsm8k", {"question": "2 + 2?", "answer": "4"})
    with pytest.raises(DataError, match="bamboogle has no split 'train'; it has test"):
        BENCHMARKS.get("bamboogle").their_split("train")


def test_every_benchmark_says_where_it_comes_from_and_who_grades_it():
    from rl_router.data.graders import GRADERS

    for benchmark in map(BENCHMARKS.get, BENCHMARKS):
        assert benchmark.grader in GRADERS
        assert benchmark.licence and benchmark.hub and benchmark.title
        assert benchmark.source.startswith("https://") and benchmark.paper.startswith("https://")
        assert set(benchmark.splits) <= {"train", "val", "test"} and "test" in benchmark.splits


def test_an_image_is_bytes_or_a_url_and_no_file_of_this_machine():
    assert image_url("https://example.org/a.png") == "https://example.org/a.png"
    with pytest.raises(ValueError, match="'figures/a.png' is no URL"):
        image_url("figures/a.png")
