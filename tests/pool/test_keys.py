import pytest

from rl_router.errors import PoolError
from rl_router.pool.keys import KeyRing, Mask, all_keys, read_keys

LONG = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("environment", "keys"),
    [
        ({"OPENAI_API_KEY": "a"}, ("a",)),
        ({"API_KEYS": "a"}, ("a",)),
        ({"API_KEYS": "a, b ,a"}, ("a", "b")),
        ({"API_KEYS": '["a", "b"]'}, ("a", "b")),
        ({"API_KEYS": '{"OpenAI": "a", "anthropic": ["b", "c"]}'}, ("a",)),
        ({"API_KEYS": '{"anthropic": "b"}', "OPENAI_API_KEY": "a"}, ("a",)),
        ({"API_KEYS": "general", "OPENAI_API_KEY": "own"}, ("own",)),
        ({"API_KEYS": '{"anthropic": "b"}'}, ()),
        ({}, ()),
    ],
)
def test_keys_come_from_the_providers_variable_or_api_keys(environment, keys):
    assert read_keys("openai", environment) == keys


def test_a_provider_is_the_same_in_every_spelling():
    assert read_keys("together_ai", {"API_KEYS": '{"Together AI": "a"}'}) == ("a",)
    assert read_keys("together_ai", {"TOGETHER_API_KEY": "a"}) == ("a",)


@pytest.mark.parametrize("text", ["{broken", '["a", 3]', '{"openai": 5}'])
def test_broken_api_keys_are_refused_without_showing_them(text):
    with pytest.raises(PoolError, match="API_KEYS") as caught:
        read_keys("openai", {"API_KEYS": text})
    assert text not in str(caught.value)


@pytest.mark.parametrize("name", ["API_KEYS", "OPENAI_API_KEY"])
@pytest.mark.parametrize("key", ["sk-first\nX-Other: 1", "sk-naïve"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(name, key):
    with pytest.raises(PoolError, match="a line break or a letter beyond ASCII") as caught:
        read_keys("openai", {name: key})
    assert key not in str(caught.value)


def test_calls_are_spread_and_a_key_that_rests_is_passed_over():
    ring = KeyRing(("a", "b", "c"))
    assert [ring.take(0.0)[0] for _ in range(4)] == ["a", "b", "c", "a"]
    ring.rest("b", 10.0)
    assert [ring.take(5.0)[0] for _ in range(3)] == ["c", "a", "c"]
    assert ring.take(10.0) == ("a", 0.0)
    assert ring.take(10.0) == ("b", 0.0)


def test_when_all_rest_the_first_to_be_ready_is_named_with_the_wait():
    ring = KeyRing(("a", "b"))
    ring.rest("a", 8.0)
    ring.rest("b", 5.0)
    assert ring.take(1.0) == ("b", 4.0)


def test_a_ring_does_not_show_its_keys():
    assert LONG not in repr(KeyRing((LONG,)))


def test_every_key_is_masked_the_longer_one_first_and_words_are_not():
    mask = Mask((LONG, LONG + "99", "true"))
    assert mask.text(f"key {LONG}99 or {LONG} is true") == "key *** or *** is true"
    assert mask.body(LONG.encode()) == b"***"


def test_all_keys_are_those_of_every_provider():
    environment = {"API_KEYS": '{"a": "k1", "b": ["k2"]}', "X_API_KEY": "k3", "HF_TOKEN": "k4", "HOME": "h"}
    assert all_keys(environment) == ("k1", "k2", "k3", "k4")


def test_a_body_that_breaks_off_within_a_key_ends_before_it():
    mask = Mask((LONG,))
    assert mask.body(f'{{"content": "at {LONG[:12]}'.encode()) == b'{"content": "at ***'
    assert mask.body(b'{"content": "risk-') == b'{"content": "risk-'
