import json

import pytest

from rl_router.data.importers import IMPORTERS
from rl_router.errors import DataError

MMLU = 'prompt,weak,strong\n"One, or\ntwo?",True,False\nThree?,False,True\n'
GSM8K = "prompt,weak,strong,weak_response,strong_response\nSix?,True,True,It is 6.,6\n"


@pytest.fixture
def evals(tmp_path):
    """mmlu/responses/*.csv, gsm8k/gsm8k_responses.csv and mt_bench, one MMLU prompt being contaminated."""
    (tmp_path / "mmlu" / "responses").mkdir(parents=True)
    (tmp_path / "mmlu" / "responses" / "mmlu_anatomy.csv").write_text(MMLU)
    (tmp_path / "mmlu" / "contaminated_prompts.jsonl").write_text(json.dumps({"eval_prompt": "Three?"}) + "\n")
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "gsm8k_responses.csv").write_text(GSM8K)
    bench = tmp_path / "mt_bench"
    bench.mkdir()
    question = {"question_id": 81, "category": "writing", "turns": ["Write.", "Rewrite."]}
    (bench / "question.jsonl").write_text(json.dumps(question) + "\n")
    judgements = [
        {"question_id": 81, "model": "weak", "turn": 1, "score": 7},
        {"question_id": 81, "model": "strong", "turn": 2, "score": -1},
    ]
    (bench / "judgements.jsonl").write_text("".join(json.dumps(line) + "\n" for line in judgements))
    return tmp_path


def test_every_benchmark_becomes_rows_of_its_own(evals):
    table = IMPORTERS["routellm"].read([evals])
    rows = {(row["query_id"], row["model"]): row for row in table.frame.iter_rows(named=True)}
    assert {key: row["score"] for key, row in rows.items()} == {
        ("mmlu_anatomy/0", "weak"): 1.0,
        ("mmlu_anatomy/0", "strong"): 0.0,
        ("mmlu_anatomy/1", "weak"): 0.0,
        ("mmlu_anatomy/1", "strong"): 1.0,
        ("gsm8k_responses/0", "weak"): 1.0,
        ("gsm8k_responses/0", "strong"): 1.0,
        ("mtbench/81/1", "weak"): 0.7,
        ("mtbench/81/2", "strong"): None,
    }
    first = rows["mmlu_anatomy/0", "weak"]
    assert (first["dataset"], first["task"], first["split"], first["query"]) == (
        "routellm_mmlu", "anatomy", "test", "One, or\ntwo?",
    )  # fmt: skip
    assert rows["gsm8k_responses/0", "weak"]["response"] == "It is 6."
    assert rows["gsm8k_responses/0", "weak"]["task"] == "gsm8k"
    assert rows["mtbench/81/2", "strong"]["query"] == "Write.\n\nRewrite."


def test_contaminated_prompts_have_a_split_of_their_own(evals):
    table = IMPORTERS["routellm"].read([evals])
    assert [q.text for q in table.queries("contaminated")] == ["Three?"]


def test_a_csv_without_two_graded_models_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("prompt,weak,comment\nOne?,True,hello\n")
    with pytest.raises(DataError, match="has 1 columns of True and False"):
        IMPORTERS["routellm"].read([tmp_path])
    (tmp_path / "a.csv").write_text("question,weak\nOne?,True\n")
    with pytest.raises(DataError, match="has no column 'prompt'"):
        IMPORTERS["routellm"].read([tmp_path])
