"""Vectors on disk, found again by what was encoded and by which weights: nothing is encoded twice.

One SQLite file that any number of processes share. It holds digests and numbers, no texts, and can be deleted at any
time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from rl_router.encoders.batches import in_batches
from rl_router.encoders.encoder import Encoder
from rl_router.errors import EncoderError
from rl_router.shared_sqlite import open_shared

STORED_FLOATS = np.dtype("<f4")
STORE_EVERY = 256
"""Texts between two writes: what a kill can cost."""
KEYS_PER_SELECT = 500


@dataclass(frozen=True)
class VectorCache:
    """Vectors by digest in the SQLite file at `path`."""

    path: Path

    def read(self, keys: Collection[bytes]) -> dict[bytes, np.ndarray]:
        """The vectors of those `keys` that are stored."""
        wanted, found = list(keys), {}
        with self._open() as connection:
            for start in range(0, len(wanted), KEYS_PER_SELECT):
                part = wanted[start : start + KEYS_PER_SELECT]
                places = ",".join("?" * len(part))
                rows = connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({places})", part)
                found.update({key: np.frombuffer(vector, STORED_FLOATS) for key, vector in rows})
        return found

    def write(self, vectors: Mapping[bytes, np.ndarray]) -> None:
        rows = [(key, vector.astype(STORED_FLOATS).tobytes()) for key, vector in vectors.items()]
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One connection per use: a process that forks or a thread that shares this object need no care."""
        connection = None
        try:
            connection = open_shared(self.path)
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
            yield connection
            connection.commit()
        except (sqlite3.Error, OSError) as error:
            raise EncoderError(
                f"The cache of embeddings {self.path} cannot be used ({error}); delete that file, or set "
                f"RL_ROUTER_CACHE to another folder."
            ) from None
        finally:
            if connection is not None:
                connection.close()


@dataclass(frozen=True)
class CachedEncoder:
    """`encoder`, with what it has encoded before read from `cache`; its weights load when a new text comes.

    A single text is computed and not stored: that is the traffic of a served router, which would fill the disk.
    """

    encoder: Encoder
    cache: VectorCache

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def revision(self) -> str:
        return self.encoder.revision

    @property
    def dim(self) -> int:
        return self.encoder.dim

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return self.encoder.encode(texts)
        keys = [self.key(text) for text in texts]
        vectors = self.cache.read(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        if missing:
            encode = self._store if len(texts) > 1 else self.encoder.encode
            label = f"encoding with {self.name}"
            rows = in_batches(list(missing.values()), encode, dim=self.dim, size=STORE_EVERY, label=label)
            vectors.update(zip(missing, rows, strict=True))
        return np.stack([vectors[key] for key in keys])

    def key(self, text: str) -> bytes:
        content = "\0".join((self.name, self.revision, text))
        return sha256(content.encode("utf-8", "surrogatepass")).digest()

    def _store(self, batch: list[str]) -> np.ndarray:
        rows = self.encoder.encode(batch)
        self.cache.write(dict(zip(map(self.key, batch), rows, strict=True)))
        return rows
