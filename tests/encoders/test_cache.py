import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from rl_router.encoders import make_encoder
from rl_router.encoders.cache import STORE_EVERY, CachedEncoder, VectorCache
from rl_router.errors import EncoderError


class Counting:
    """The length of a text as its vector, and a record of every text that was encoded."""

    name, revision, dim = "counting", "1", 2

    def __init__(self):
        self.seen = []

    def encode(self, texts):
        self.seen += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path / "new" / "embeddings.sqlite")


def test_a_text_is_encoded_once_however_often_it_comes(cache):
    encoder = CachedEncoder(Counting(), cache)
    first = encoder.encode(["a", "bb", "a"])
    np.testing.assert_array_equal(first, [[1, 1], [2, 1], [1, 1]])
    np.testing.assert_array_equal(encoder.encode(["ccc", "bb", "a"]), [[3, 1], [2, 1], [1, 1]])
    assert sorted(encoder.encoder.seen) == ["a", "bb", "ccc"]


def test_a_later_process_finds_what_an_earlier_one_stored(cache):
    CachedEncoder(Counting(), cache).encode(["a", "bb"])
    later = CachedEncoder(Counting(), cache)
    later.encode(["bb", "a"])
    later.encode(["a"])
    assert later.encoder.seen == []


@pytest.mark.parametrize("change", ["name", "revision"])
def test_other_weights_have_other_vectors(cache, change):
    CachedEncoder(Counting(), cache).encode(["a", "bb"])
    other = Counting()
    setattr(other, change, "other")
    CachedEncoder(other, cache).encode(["a", "bb"])
    assert sorted(other.seen) == ["a", "bb"]


def test_a_single_new_text_is_computed_and_not_stored(cache):
    encoder = CachedEncoder(Counting(), cache)
    for _ in range(2):
        np.testing.assert_array_equal(encoder.encode(["dddd"]), [[4, 1]])
    assert encoder.encoder.seen == ["dddd", "dddd"]


def test_a_killed_run_keeps_what_it_had_stored(cache):
    class Dying(Counting):
        def encode(self, texts):
            if len(self.seen) >= STORE_EVERY:
                raise KeyboardInterrupt
            return super().encode(texts)

    texts = [f"text {i}" for i in range(STORE_EVERY + 10)]
    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Dying(), cache).encode(texts)
    again = CachedEncoder(Counting(), cache)
    again.encode(texts)
    assert len(again.encoder.seen) == 10


def test_texts_and_names_are_not_in_the_file(cache):
    CachedEncoder(Counting(), cache).encode(["a private question", "another"])
    assert b"private" not in b"".join(path.read_bytes() for path in cache.path.parent.iterdir())


def test_a_file_that_is_no_cache_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "embeddings.sqlite"
    path.write_text("this is no database, but long enough to have a header " * 4)
    with pytest.raises(EncoderError, match="delete that file") as error:
        CachedEncoder(Counting(), VectorCache(path)).encode(["a", "bb"])
    assert "\n" not in str(error.value)


def test_two_processes_write_the_same_file_at_once(cache):
    code = (
        "import sys, numpy as np; from pathlib import Path; from rl_router.encoders.cache import VectorCache\n"
        "cache, first = VectorCache(Path(sys.argv[1])), int(sys.argv[2])\n"
        "for i in range(first, first + 60): cache.write({i.to_bytes(32, 'big'): np.full(3, i, np.float32)})"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(cache.path), str(first)], stderr=subprocess.PIPE)
        for first in (0, 40)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with sqlite3.connect(cache.path) as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (100,)


def test_slow_encoders_use_the_users_cache_and_hashing_none(tmp_path, monkeypatch):
    monkeypatch.setenv("RL_ROUTER_CACHE", str(tmp_path))
    folder = tmp_path / "model"
    folder.mkdir()
    encoder = make_encoder(f"st:{folder}")
    assert encoder.cache.path == tmp_path / "embeddings.sqlite"
    assert not hasattr(make_encoder("hashing"), "cache")
