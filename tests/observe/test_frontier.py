import xml.etree.ElementTree as ET

import pytest

from rl_router.errors import CheckpointError
from rl_router.observe.frontier import frontier_svg, reward_svg, write_frontier_svg
from rl_router.observe.run_folder import RunFolder


def row(router, cost_weight, quality, cost_usd, se=0.02):
    return {
        "router": router, "cost_weight": cost_weight, "quality": quality, "quality_se": se, "cost_usd": cost_usd,
        "reward": quality, "reward_se": se, "calls": 1, "format_rate": 1, "n": 100,
    }  # fmt: skip


ROWS = [
    row("policy", 0, 0.96, 0.0007),
    row("policy", 1, 0.90, 0.0002),
    row("cheapest", 0, 0.48, 0.00004),
    row("cheapest", 1, 0.48, 0.00004),
    row("a <new> router", 0, 0.7, 0.0003),
    row("a <new> router", 1, 0.6, 0.0003),
]


def _titles(picture):
    return [title.text for title in ET.fromstring(picture).iterfind(".//{*}title")]


def test_a_router_that_ignores_the_weight_is_one_point_and_the_policy_one_for_each():
    titles = _titles(frontier_svg(ROWS))
    assert len([t for t in titles if t.startswith("policy, λ")]) == 2
    assert [t for t in titles if t.startswith("cheapest")] == [
        "cheapest: quality 0.480 ± 0.040, $0.0400 per 1,000 queries, reward 0.480 ± 0.040"
    ]


def test_the_policy_is_labelled_with_its_weights_and_unknown_routers_with_their_own_name():
    words = list(ET.fromstring(frontier_svg(ROWS)).itertext())
    assert {"λ=0", "λ=1", "a <new> router"} <= set(words)


@pytest.mark.parametrize("cost_usd", [0.0, 0.0001])
@pytest.mark.parametrize("draw", [frontier_svg, reward_svg])
def test_one_row_without_error_bars_and_a_free_model_can_be_drawn(draw, cost_usd):
    for width in (380, 860):
        picture = ET.fromstring(draw([row("policy", 0.5, 0.9, cost_usd, se=None)], width=width))
        assert picture.tag.endswith("svg")


def test_the_reward_chart_has_a_mark_for_every_row():
    assert len(_titles(reward_svg(ROWS))) == 6


def test_a_better_point_stands_higher_and_a_dearer_one_further_right():
    circles = [
        (float(c.get("cx")), float(c.get("cy")))
        for c in ET.fromstring(frontier_svg(ROWS)).iterfind(".//{*}circle")
        if c.find("{*}title") is not None
    ]
    (dear, cheap) = sorted(circles, reverse=True)
    assert dear[0] > cheap[0] and dear[1] < cheap[1]


def test_the_picture_for_a_readme_stands_alone(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_results(ROWS)
    picture = write_frontier_svg(folder, tmp_path / "frontier.svg").read_text()
    ET.fromstring(picture)
    assert "--policy:" in picture and "prefers-color-scheme:dark" in picture


def test_a_run_without_results_has_no_picture_and_says_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match="evaluate the run first"):
        write_frontier_svg(RunFolder(tmp_path), tmp_path / "frontier.svg")
