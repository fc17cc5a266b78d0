import pytest

from rl_router.pool.retry import Retry, is_retried, retry_after_s


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, False), (401, False), (404, False), (408, True), (409, True), (429, True), (500, True), (503, True)],
)
def test_only_what_may_pass_is_tried_again(status, again):
    assert is_retried(status) is again


def test_the_wait_is_anything_up_to_a_bound_that_doubles_to_a_cap():
    retry = Retry(base_s=1.0, cap_s=5.0)
    assert [retry.pause_s(n, 1.0) for n in (1, 2, 3, 4, 100)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert retry.pause_s(3, 0.25) == 1.0
    assert retry.pause_s(3, 0.0) == 0.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),  # 120 s after the beginning, and it is second 100
        ("Thu, 01 Jan 1970 00:01:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after_s({"retry-after": value}, date_s=100.0) == seconds


def test_without_the_header_nothing_was_asked_for():
    assert retry_after_s({}, 0.0) is None
