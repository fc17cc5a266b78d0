import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_router.pool.quick_json import decoded, encoded
from rl_router.types import CallStatus

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_was_written_is_read_as_it_was(value):
    assert decoded(encoded(value)) == json.loads(encoded(value)) == value


def test_half_a_surrogate_pair_survives():
    assert decoded(encoded({"text": "a\ud800b"})) == {"text": "a\ud800b"}
    assert decoded(b'"\\ud800"') == "\ud800"


def test_integers_of_any_size_survive():
    assert decoded(encoded({"seed": 2**70})) == {"seed": 2**70}


def test_a_status_is_its_word():
    assert encoded({"status": CallStatus.OK}) == b'{"status":"ok"}'


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":1}x', b"\xff", b"<html>", b"[" * 100_000])
def test_what_is_no_json_is_an_error_that_readers_expect(text):
    with pytest.raises((ValueError, RecursionError)):
        decoded(text)


def test_numbers_that_only_python_writes_are_read():
    assert math.isnan(decoded(b'{"a": NaN}')["a"])
