import json

from rl_router.observe.rollouts import episode_record, extremes, record_groups, shorten
from rl_router.observe.run_folder import RunFolder
from rl_router.types import (
    Call,
    CallStatus,
    Episode,
    Mode,
    ModelReply,
    Query,
    Segment,
    Source,
    StopReason,
    Usage,
)


def _episode(reward=1.0, reply="mara stone", **changes):
    call = Call(
        model="atlas-s",
        query="who wrote silver river",
        reply=ModelReply(model="atlas-s", text=reply, usage=Usage(prompt_tokens=9, completion_tokens=3), latency_s=0.5),
        cost_usd=0.00002,
    )
    values = {
        "query": Query(
            query_id="q1", text="who wrote silver river", answers=("mara stone",), task="fact", difficulty=2
        ),
        "cost_weight": 0.5,
        "mode": Mode.ORCHESTRATE,
        "segments": (
            Segment(source=Source.PROMPT, text="<query> who wrote silver river</query>", token_ids=(1, 2)),
            Segment(source=Source.POLICY, text="<search> atlas-s: same </search>", token_ids=(3,), log_probs=(-0.1,)),
            Segment(source=Source.REPLY, text=f"<information> {reply}</information>", token_ids=(4,)),
            Segment(source=Source.POLICY, text="<answer> it </answer>", token_ids=(5,), log_probs=(-0.2,)),
        ),
        "calls": (call,),
        "stop": StopReason.ANSWERED,
        "answer": "mara stone",
        "quality": 1.0,
        "format_ok": True,
        "cost_usd": 0.00002,
        "usage": Usage(prompt_tokens=9, completion_tokens=3),
        "reward": {"correct": reward, "format": 0.0},
    }
    return Episode(**{**values, **changes})


def test_a_record_says_what_was_asked_said_called_paid_and_earned():
    record = episode_record(_episode())
    assert record["question"] == "who wrote silver river" and record["cost_weight"] == 0.5
    assert record["transcript"].endswith("<information> mara stone</information><answer> it </answer>")
    assert record["calls"] == [
        {
            "model": "atlas-s",
            "query": "who wrote silver river",
            "reply": "mara stone",
            "status": CallStatus.OK,
            "earlier": [],
            "score": None,
            "cost_usd": 0.00002,
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "latency_s": 0.5,
            "from_cache": False,
        }
    ]
    assert record["reward"] == {"correct": 1.0, "format": 0.0} and record["total_reward"] == 1.0
    assert (record["stop"], record["answer"], record["quality"]) == ("answered", "mara stone", 1.0)


def test_a_record_is_plain_json():
    record = episode_record(_episode())
    assert json.loads(json.dumps(record)) == record


def test_the_spans_cut_the_transcript_by_who_wrote_it():
    record = episode_record(_episode())
    cut, at = [], 0
    for span in record["spans"]:
        cut.append((span["source"], record["transcript"][at : at + span["characters"]]))
        at += span["characters"]
    assert cut[1] == ("policy", "<search> atlas-s: same </search>")
    assert cut[2] == ("reply", "<information> mara stone</information>")
    assert at == len(record["transcript"])


def test_an_unscored_reward_stays_null_and_its_total_too():
    record = episode_record(_episode(reward=None))
    assert record["reward"]["correct"] is None and record["total_reward"] is None


def test_a_million_characters_are_shortened_in_the_file_and_the_spans_still_fit(tmp_path):
    folder = RunFolder(tmp_path)
    record_groups({"q1": [_episode(reply="x" * 1_000_000)]}, 1, folder)
    (row,) = folder.read_episodes()
    assert folder.episodes.stat().st_size < 100_000
    assert "980,000 characters left out" in row["calls"][0]["reply"]
    assert sum(span["characters"] for span in row["spans"]) == len(row["transcript"])


def test_the_best_and_the_worst_of_each_group_are_kept(tmp_path):
    folder = RunFolder(tmp_path)
    groups = {"q1": [_episode(0.2), _episode(0.9), _episode(None), _episode(0.0)], "q2": [_episode(0.4)]}
    record_groups(groups, 7, folder)
    assert [(r["step"], r["group"], r["rank"], r["group_size"], r["total_reward"]) for r in folder.read_episodes()] == [
        (7, "q1", "best", 4, 0.9),
        (7, "q1", "worst", 4, 0.0),
        (7, "q2", "best", 1, 0.4),
    ]


def test_records_made_in_another_process_are_taken_as_they_are(tmp_path):
    folder = RunFolder(tmp_path)
    record_groups({"q1": [episode_record(_episode(0.3)), episode_record(_episode(0.1))]}, 1, folder)
    assert [row["total_reward"] for row in folder.read_episodes()] == [0.3, 0.1]


def test_a_group_that_nobody_could_score_leaves_nothing(tmp_path):
    folder = RunFolder(tmp_path)
    record_groups({"q1": [_episode(None)]}, 1, folder)
    assert folder.read_episodes() == []
    assert extremes([]) == []


def test_shortening_keeps_both_ends():
    assert shorten("abcdefghij", 4) == "ab […6 characters left out…] ij"
    assert shorten("abcd", 4) == "abcd"
