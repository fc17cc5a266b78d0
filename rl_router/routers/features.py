"""Text to vectors for a router: TF-IDF fitted with it and saved with it, or an encoder of rl_router.encoders by name.

Rows are L2-normalised, so that a dot product is the cosine. `tfidf` is sparse; `lsa:256` is TF-IDF projected onto its
first 256 singular directions (Deerwester et al. 1990), for what needs dense vectors and no download. `chars` counts
characters instead of words, `lsa-chars:256` projects those, and `tfidf+chars` is both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from rl_router.errors import CheckpointError, RecipeError
from rl_router.routers.learned import Learned, learned
from rl_router.routers.read_once import read

Vectors = np.ndarray | sparse.csr_matrix


@dataclass(kw_only=True)
class Features(Learned):
    """`fit` on texts, then call with texts."""

    @classmethod
    def of_kind(cls, kind: str | None) -> type[Features]:
        kinds: dict[str | None, type[Features]] = {"tfidf": Tfidf, "lsa": Lsa, "encoder": Encoded, "joined": Joined}
        if kind == "tuned":
            return _tuned()
        if kind not in kinds:
            raise CheckpointError(f"unknown text features {kind!r}")
        return kinds[kind]

    def fit(self, texts: Sequence[str]) -> Features:
        raise NotImplementedError

    def __call__(self, texts: Sequence[str]) -> Any:
        """[n, d] float32 with rows of length 1, or 0 for a text of which nothing is known."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """d, once fitted."""
        raise NotImplementedError


def make_features(name: str, *, tunes: bool = False) -> Features:
    """`tfidf`, `chars`, `lsa:DIM`, `lsa-chars:DIM`, the name of an encoder such as `hashing:256` or `st:minilm`,
    `tune:FOLDER_OR_NAME`, or several of them after one of the first three, as `tfidf+chars+st:minilm`."""
    kind = name.partition("+")[0].partition(":")[0]
    if "+" in name and kind in ("tfidf", "chars", "lsa"):
        return Joined(names=tuple(name.split("+")))
    if name == "tfidf":
        return Tfidf()
    if name == "chars":
        return Tfidf(unit="char", longest=3)
    kind, _, size = name.partition(":")
    if kind in ("lsa", "lsa-chars"):
        if not size.isdigit() or not 1 <= int(size) <= 4096:
            raise RecipeError(f"expected text features like {kind}:256, got {name!r}")
        return Lsa(dim=int(size), unit="char" if kind == "lsa-chars" else "word")
    if kind == "tune":
        if not tunes:
            raise RecipeError(
                f"{name} is for routers that tune an encoder along with themselves (mlp, mf, routerdc, hybrid_llm,"
                f" graphrouter, gmtrouter); this one takes it as it is: st:{size}"
            )
        return _tuned()(model=size)
    return Encoded(encoder=name)


@dataclass(kw_only=True)
class Tfidf(Features):
    """Words and pairs of words, or up to `longest` characters in a row, for languages that put no space between words.

    The weight of a term is (1 + log count) × idf.
    """

    kind: Literal["tfidf"] = "tfidf"
    unit: Literal["word", "char"] = "word"
    longest: int = 2
    max_terms: int = 50_000
    terms_: tuple[str, ...] = learned()
    idf_: np.ndarray = learned("v")

    def fit(self, texts: Sequence[str]) -> Tfidf:
        found = self._vectorizer(max_features=self.max_terms)
        try:
            found.fit(texts)
        except ValueError:
            raise RecipeError("no text of the table holds a word of two characters, so TF-IDF has no terms") from None
        self.terms_ = tuple(found.get_feature_names_out())
        self.idf_ = found.idf_
        return self

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        return read(
            lambda: (self.unit, self.longest, self.terms_, self.idf_.tobytes(), tuple(texts)),
            lambda: self._vectors(texts),
        )

    def _vectors(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """What scikit-learn's vectorizer gives, without the checks that take longer than a single text."""
        places, starts = self._places, [0]
        columns: list[int] = []
        numbers: list[int] = []
        for text in texts:
            counts: dict[int, int] = {}
            for term in self._analyze(text):
                place = places.get(term)
                if place is not None:
                    counts[place] = counts.get(place, 0) + 1
            columns += counts
            numbers += counts.values()
            starts.append(len(columns))
        rows = np.repeat(np.arange(len(texts)), np.diff(starts))
        weights = (1.0 + np.log(numbers)) * self.idf_[columns]
        lengths = np.sqrt(np.bincount(rows, weights=weights**2, minlength=len(texts)))
        shape = (len(texts), len(self.terms_))
        matrix = sparse.csr_matrix(((weights / lengths[rows]).astype(np.float32), columns, starts), shape=shape)
        matrix.sort_indices()
        return matrix

    @property
    def size(self) -> int:
        return len(self.terms_)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self.terms_)}

    @cached_property
    def _analyze(self) -> Callable[[str], list[str]]:
        """Text to terms."""
        analyze: Callable[[str], list[str]] = self._vectorizer().build_analyzer()
        return analyze

    def _vectorizer(self, **more: Any) -> TfidfVectorizer:
        return TfidfVectorizer(
            analyzer=self.unit, ngram_range=(1, self.longest), sublinear_tf=True, dtype=np.float32, **more
        )

    def _restored(self) -> None:
        if len(set(self.terms_)) != len(self.terms_) or len(self.terms_) != len(self.idf_):
            raise ValueError("the terms of TF-IDF do not fit their weights")


@dataclass(kw_only=True)
class Lsa(Features):
    """TF-IDF projected onto its first singular directions."""

    kind: Literal["lsa"] = "lsa"
    dim: int = 256
    unit: Literal["word", "char"] = "word"
    tfidf_: Tfidf = learned()
    directions_: np.ndarray = learned("v d")

    def fit(self, texts: Sequence[str]) -> Lsa:
        self.tfidf_ = Tfidf(unit=self.unit, longest=1 if self.unit == "word" else 3).fit(texts)
        counts = self.tfidf_(texts)
        dim = min(self.dim, *counts.shape)
        _, _, rows = randomized_svd(counts, dim, n_iter=4, random_state=0)
        self.directions_ = np.ascontiguousarray(rows.T, dtype=np.float32)
        return self

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return unit_rows(np.asarray(self.tfidf_(texts) @ self.directions_, dtype=np.float32))

    @property
    def size(self) -> int:
        return int(self.directions_.shape[1])

    def _restored(self) -> None:
        if len(self.directions_) != len(self.tfidf_.terms_):
            raise ValueError("the directions do not fit the terms")


@dataclass(kw_only=True)
class Encoded(Features):
    """A fixed encoder. Nothing is fitted but which one it was: another revision has other vectors."""

    kind: Literal["encoder"] = "encoder"
    encoder: str
    dim_: int = learned()
    revision_: str = learned()

    def fit(self, texts: Sequence[str]) -> Encoded:
        self.dim_, self.revision_ = self._encoder.dim, self._encoder.revision
        return self

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if self._encoder.revision != self.revision_ or self._encoder.dim != self.dim_:  # another one is not even loaded
            raise CheckpointError(
                f"the encoder {self.encoder} is not the one that this router was fitted with (revision"
                f" {self._encoder.revision}, expected {self.revision_}): bring that one back, or train it again"
            )
        return np.asarray(self._encoder.encode(list(texts)), dtype=np.float32)

    @property
    def size(self) -> int:
        return self.dim_

    @cached_property
    def _encoder(self) -> Any:
        from rl_router.encoders.registry import make_encoder

        return make_encoder(self.encoder)


@dataclass(kw_only=True)
class Joined(Features):
    """Several features side by side, each with the same share of a row's squared length: cosines are averaged."""

    kind: Literal["joined"] = "joined"
    names: tuple[str, ...]
    parts_: tuple[Features, ...] = learned()

    def fit(self, texts: Sequence[str]) -> Joined:
        self.parts_ = tuple(make_features(name).fit(texts) for name in self.names)
        return self

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        share = np.float32(len(self.parts_) ** -0.5)
        return sparse.hstack([sparse.csr_matrix(part(texts)) * share for part in self.parts_], format="csr")

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts_)

    def _restored(self) -> None:
        if len(self.parts_) != len(self.names):
            raise ValueError("the joined features are not those that their names say")


def _tuned() -> type[Any]:
    """Imported when asked for: it is built on Features."""
    from rl_router.routers.tuned import Tuned

    return Tuned


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Each row divided by its length; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def dense(vectors: Any) -> np.ndarray:
    """[n, d] float32, for what cannot work on sparse rows."""
    return np.asarray(vectors.toarray() if sparse.issparse(vectors) else vectors, dtype=np.float32)
