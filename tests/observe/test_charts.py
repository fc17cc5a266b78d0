import xml.etree.ElementTree as ET

import pytest

from rl_router.observe.charts import (
    Axis,
    curve_chart,
    escape,
    linear_axis,
    log_axis,
    log_ticks,
    nice_ticks,
    running_mean,
    thin,
    tick_text,
)


@pytest.mark.parametrize(
    ("low", "high", "about", "ticks"),
    [
        (0.0, 1.0, 5, [0, 0.5, 1]),
        (0.0, 1.0, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.46, 0.79, 5, [0.4, 0.5, 0.6, 0.7, 0.8]),
        (3, 97, 5, [0, 50, 100]),
        (-0.2, 0.2, 5, [-0.2, -0.1, 0, 0.1, 0.2]),
    ],
)
def test_ticks_are_round_numbers_around_the_values(low, high, about, ticks):
    assert nice_ticks(low, high, about) == ticks


def test_a_hair_beyond_a_tick_needs_no_further_tick():
    assert nice_ticks(0.0, 1.01, 6) == [0, 0.5, 1]
    assert nice_ticks(0.0, 1.2, 3) == [0, 1, 2]


def test_equal_values_still_get_an_axis_around_them():
    ticks = nice_ticks(1.0, 1.0)
    assert ticks[0] < 1 < ticks[-1]
    assert nice_ticks(0.0, 0.0)[0] < 0 < nice_ticks(0.0, 0.0)[-1]


def test_log_ticks_are_one_two_five_and_only_powers_over_many_decades():
    assert log_ticks(0.04, 1.1) == [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]
    assert log_ticks(0.001, 50) == [0.001, 0.01, 0.1, 1, 10, 100]
    assert log_ticks(1, 1) == [1, 2]


def test_tick_labels_have_the_decimals_that_their_step_needs():
    assert [tick_text(v, 0.25) for v in (0.25, 0.5)] == ["0.25", "0.50"]
    assert tick_text(20, 10) == "20" and tick_text(-1500, 500, "$") == "−$1,500"


def test_an_axis_maps_its_ends_to_its_pixels_and_its_middle_between():
    axis = linear_axis([0, 10], 100, 200, about=3)
    assert (axis.at(0), axis.at(5), axis.at(10)) == (100, 150, 200)
    log = Axis(ticks=(1, 100), labels=("1", "100"), start_px=0, end_px=80, log=True)
    assert (log.at(1), log.at(10), log.at(100)) == (0, 40, 80)
    assert log_axis([0.05, 2], 0, 1, "$").labels == ("$0.05", "$0.1", "$0.2", "$0.5", "$1", "$2")


def test_the_running_mean_takes_fewer_neighbours_at_the_ends():
    assert running_mean([1, 2, 6, 3], 3) == [1.5, 3, 11 / 3, 4.5]
    assert running_mean([1, 2], 1) == [1, 2]


def test_a_long_series_is_thinned_by_averaging_neighbours():
    assert thin([(1, 1.0), (2, 3.0), (3, 5.0), (4, 9.0)], most=2) == [(1.5, 2), (3.5, 7)]
    assert thin([(1, 1.0)], most=2) == [(1, 1)]


def test_escaping_leaves_no_markup_no_control_character_and_no_reordering():
    assert escape('<a b="c">&\'') == "&lt;a b=&quot;c&quot;&gt;&amp;&#x27;"
    assert escape("a\x00b\u202ec\ud800d") == "a\ufffdb\ufffdc\ufffdd"
    assert escape("line\n\ttab") == "line\n\ttab"


def test_a_curve_is_whole_xml_with_its_title_and_validation_points():
    picture = curve_chart("cost <$>", [(n, 0.5 + n / 100) for n in range(1, 61)], [(30, 0.7)], prefix="$")
    root = ET.fromstring(picture)
    words = "".join(root.itertext())
    assert "cost <$>" in words and "validation, step 30: $0.7" in words
    assert len(root.findall("{*}polyline")) == 2


def test_a_long_curve_still_names_its_first_and_last_step():
    words = list(ET.fromstring(curve_chart("reward", [(n, 0.5) for n in range(1, 5001)])).itertext())
    assert "1" in words and "5000" in words


def test_a_curve_of_a_single_step_can_be_drawn():
    assert ET.fromstring(curve_chart("reward", [(1, 0.5)])).tag.endswith("svg")
