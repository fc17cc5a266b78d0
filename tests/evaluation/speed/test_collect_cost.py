"""The measurement measures: no assertion here is about how fast anything is."""

import json

import pytest

from rl_router.evaluation.speed.collect_cost import Speed, measure
from rl_router.evaluation.speed.collect_report import main, table


@pytest.mark.timeout(60)
def test_every_caller_asks_the_server_and_is_compared_with_the_ideal():
    pytest.importorskip("aiohttp", reason="one of the callers needs it")
    found = list(measure([2], latency_s=0.01, seconds=0.1, processes=1))
    assert [(speed.caller, speed.in_flight, speed.calls) for speed in found] == [
        ("collect", 2, 20),
        ("lean", 2, 20),
        ("httpx", 2, 20),
        ("aiohttp", 2, 20),
    ]
    for speed in found:
        assert speed.share_of_ideal == pytest.approx(speed.calls_per_s / 200)  # 2 in flight ÷ 10 ms
        assert 0 < speed.share_of_ideal <= 1.0 and speed.cpu_us_per_call > 0


@pytest.mark.timeout(60)
def test_programs_get_json(capsys):
    main(["--in-flight", "1", "--latency-s", "0.01", "--seconds", "0.02", "--callers", "lean", "--json"])
    shown = capsys.readouterr()
    assert json.loads(shown.out)[0]["caller"] == "lean"
    assert "measurements 1/1  lean with 1 in flight: " in shown.err


def test_people_get_a_table():
    speed = Speed(
        caller="collect", in_flight=16, calls=960, calls_per_s=300.0, share_of_ideal=0.9375, cpu_us_per_call=400.4
    )
    assert table([speed]).splitlines()[1].split() == ["16", "collect", "960", "300", "94%", "400"]
