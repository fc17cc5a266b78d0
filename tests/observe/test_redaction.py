import pytest

from rl_router.observe.redaction import redact


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "apiKey",
        "OPENAI_API_KEY",
        "key",
        "hf_token",
        "token",
        "db_password",
        "aws.secret.id",
        "Authorization",
    ],
)
def test_a_value_under_a_name_like_a_secret_is_masked(key):
    assert redact({"model": {key: "hunter2"}}) == {"model": {key: "***"}}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_tokens", 512),
        ("ppo_max_token_len_per_gpu", "1024"),
        ("tokenizer", "folder"),
        ("prompt_key", "prompt"),
        ("stop_tokens", ["</search>"]),
        ("api_key_env", "OPENAI_API_KEY"),
        ("monkey", "George"),
        ("token", ""),
        ("api_key", None),
    ],
)
def test_recipe_keys_that_only_sound_like_secrets_stay(key, value):
    assert redact({key: value}) == {key: value}


def test_secrets_in_lists_and_below_a_secret_key_are_masked():
    config = {"credentials": {"user": "ann", "tries": 3}, "pool": [{"api_keys": ["a", "b"]}]}
    assert redact(config) == {"credentials": {"user": "***", "tries": 3}, "pool": [{"api_keys": ["***", "***"]}]}


def test_a_value_that_looks_like_a_secret_is_masked_wherever_it_stands():
    config = {"args": ["--header", "Bearer abcdefghijkl"], "url": "https://ann:pw@host/v1", "note": "sk-" + "a1" * 12}
    assert redact(config) == {"args": ["--header", "***"], "url": "https://***@host/v1", "note": "***"}


def test_the_original_is_not_changed():
    config = {"api_key": "x"}
    redact(config)
    assert config == {"api_key": "x"}
