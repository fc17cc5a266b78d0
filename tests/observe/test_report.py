import re
from html.parser import HTMLParser

from rl_router.observe.choices_view import choice_maps
from rl_router.observe.episodes_view import choose_episodes, transcript
from rl_router.observe.report import write_report
from rl_router.observe.run_folder import RunFolder

ATTACK = '</pre></script><script>alert("x")</script><img src=x onerror=alert(1)>'
VOID = {"meta", "input"}
SHAPES = {"line", "path", "circle", "polygon", "polyline"}


class _Balance(HTMLParser):
    """Every element that opens closes in order, and none of them loads or runs anything from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.scripts, self.loads, self.words = [], 0, [], []

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.loads += [v for k, v in attributes if k in ("src", "href", "data") or k.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in SHAPES

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def _read(path):
    text = path.read_text()
    page = _Balance()
    page.feed(text)
    assert page.open == []
    return page, text


def _episode(step, reward, task="fact", cost_weight=0.5, question="who wrote silver river", said="mara stone"):
    parts = [("prompt", "<query> q</query>"), ("policy", "<think> x </think>"), ("reply", said)]
    return {
        "step": step, "group": "g", "rank": "best", "group_size": 8, "query_id": "q", "task": task,
        "question": question,
        "answers": ["mara stone"], "cost_weight": cost_weight, "transcript": "".join(text for _, text in parts),
        "spans": [{"source": source, "characters": len(text)} for source, text in parts],
        "calls": [{"model": "nano", "query": "q", "reply": said, "status": "timeout", "cost_usd": 0.00012}],
        "answer": said, "quality": 1.0, "format_ok": True, "stop": "answered", "cost_usd": 0.00012,
        "reward": {"correct": reward}, "total_reward": reward,
    }  # fmt: skip


def _run(path, attack=""):
    folder = RunFolder(path)
    folder.write_config({"recipe": "quickstart", "note": attack, "rl": {"lr": 0.0003}})
    folder.write_versions()
    for step in (1, 2, 3):
        folder.append_metrics({"step": step, "time": f"2026-01-01T00:00:0{step}+00:00", "reward/mean": step / 10})
    base = {"quality": 0.9, "quality_se": 0.01, "cost_usd": 0.0002, "calls": 1.2, "format_rate": 1.0, "n": 300}
    folder.write_results(
        [
            {**base, "router": "policy", "cost_weight": 0.5, "reward": 0.85, "reward_se": 0.03},
            {**base, "router": "cheapest", "cost_weight": 0.5, "reward": 0.48, "reward_se": 0.04},
            {**base, "router": f"new{attack}", "cost_weight": 0.5, "reward": 0.5, "reward_se": None},
        ]
    )
    folder.write_choices(
        [{"router": "policy", "cost_weight": 0.5, "task": f"fact{attack}", "model": f"nano{attack}", "share": 0.75}]
    )
    folder.append_episodes([_episode(3, r, question=f"q{attack}", said=f"a{attack}") for r in (0.9, 0.8, 0.7, 0.2)])
    return folder


def test_the_report_has_every_part_with_its_numbers(tmp_path):
    page, text = _read(write_report(_run(tmp_path / "seed0")))
    words = "".join(page.words)
    assert "earns more reward than the best fixed router at λ = 0.5 (+0.370 ± 0.100 over cheapest)" in words
    for heading in ("Learning curves", "Cost and quality", "Which model", "Episodes to read", "Config and versions"):
        assert heading in words
    assert "75%" in words and "rl.lr" in words and "0.0003" in words and "seed0" in words
    assert "[timeout] a" in words and "$0.000120" in words
    assert "reward over training steps" in text and "first to last step 0:02" in words


def test_a_run_whose_dial_is_set_in_dollars_says_so_everywhere(tmp_path):
    folder = _run(tmp_path)
    folder.write_config({"reward": {"kind": "budgeted"}})
    words = "".join(_read(write_report(folder))[0].words)
    assert "λ" not in words and "cost weight" not in words
    assert "at budget = $0.500 (+0.370 ± 0.100 over cheapest)" in words
    assert "Reward at each budget" in words and "at budget = $0.500" in words


def test_nothing_an_episode_a_model_or_a_config_says_becomes_markup(tmp_path):
    page, text = _read(write_report(_run(tmp_path, ATTACK)))
    assert page.scripts == 1 and page.loads == []
    assert "<img" not in text and text.count("</script>") == 1
    assert "".join(page.words).count('alert("x")') > 4


def test_the_report_needs_nothing_from_anywhere_else(tmp_path):
    text = write_report(_run(tmp_path)).read_text()
    outside = set(re.findall(r"https?://[^\"'\s<]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside == set() and "@import" not in text and "url(" not in text


def test_an_empty_run_has_a_report_that_says_what_is_missing(tmp_path):
    page, _ = _read(write_report(RunFolder(tmp_path)))
    words = "".join(page.words)
    assert "has not been evaluated yet" in words and "No training step has been logged yet" in words
    assert "No episode has been recorded yet" in words and "no record of its choices" in words


def test_a_report_made_while_the_run_goes_on_ignores_a_torn_line(tmp_path):
    folder = _run(tmp_path)
    with open(folder.metrics, "ab") as file:
        file.write(b'{"step": 4, "rew')
    assert "training steps" in write_report(folder).read_text()


def test_episodes_are_three_of_the_best_and_three_of_the_worst_of_late_steps():
    early = [_episode(1, 1.0, question="early")]
    late = [_episode(8, reward, question=str(reward)) for reward in (0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.5)]
    between = [_episode(step, 0.5) for step in range(2, 8)]
    chosen = choose_episodes(early + between + late)
    assert [(rank, r["total_reward"]) for rank, r in chosen if r["step"] == 8] == [
        ("best", 0.9), ("best", 0.8), ("best", 0.7), ("worst", 0.1), ("worst", 0.2), ("worst", 0.3),
    ]  # fmt: skip


def test_episodes_of_other_kinds_are_preferred_among_the_best_third():
    same = [_episode(1, 0.9, task="fact", question="a") for _ in range(6)]
    other = [_episode(1, 0.85, task="units", question="b"), _episode(1, 0.8, task="lists", question="c")]
    rest = [_episode(1, 0.1, question="d") for _ in range(16)]
    best = [record["task"] for rank, record in choose_episodes(same + other + rest) if rank == "best"]
    assert best == ["fact", "units", "lists"]


def test_unscored_episodes_are_never_shown_as_the_worst():
    assert choose_episodes([_episode(1, None), _episode(1, 0.5)]) == [("best", _episode(1, 0.5))]


def test_a_model_name_that_the_policy_made_up_at_length_is_shortened(tmp_path):
    folder = RunFolder(tmp_path)
    episode = _episode(1, 0.5)
    episode["calls"][0]["model"] = "n" * 5000
    folder.append_episodes([episode])
    assert "n" * 31 not in write_report(folder).read_text()


def test_each_author_has_a_colour_of_its_own_and_text_beyond_the_spans_is_kept():
    record = {
        "transcript": "<a>bc",
        "spans": [{"source": "policy", "characters": 3}, {"source": "reply", "characters": 1}],
    }
    assert transcript(record) == '<span class="by-policy">&lt;a&gt;</span><span class="by-reply">b</span>c'


def test_each_weight_has_a_map_and_fixed_routers_have_none():
    rows = [
        {"router": router, "cost_weight": weight, "task": "fact", "model": "nano", "share": share}
        for router, weight, share in (("policy", 0, 0.25), ("policy", 2, 0.9), ("cheapest", 0, 1.0))
    ]
    made = choice_maps(rows)
    assert re.findall(r'data-panel="([^"]*)"', made) == ["0", "2"]
    assert "25%" in made and "90%" in made and "100%" not in made and "color:#fff" in made
