"""Transformers as encoders: sentence-transformers folders, and mean pooling over any encoder for long texts.

torch is imported when the first text is encoded, and computes with one thread unless OMP_NUM_THREADS says otherwise:
beside other processes a second thread costs more than it brings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.encoders.batches import in_batches, unit_rows
from rl_router.encoders.folders import folder_revision
from rl_router.encoders.static import unreadable
from rl_router.errors import EncoderError

LONG_TOKENS = 4096
"""Where LLMRouter cuts a text, and what Longformer was trained to read (https://arxiv.org/abs/2004.05150)."""


@dataclass(frozen=True)
class SentenceEncoder:
    """The sentence-transformers model in `folder`, with the pooling that it was trained with."""

    name: str
    folder: Path
    batch: int = 64

    @cached_property
    def revision(self) -> str:
        return folder_revision(self.folder)

    @property
    def dim(self) -> int:
        return int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        with torch_threads():
            return in_batches(texts, self._rows, dim=self.dim, size=self.batch, label=self.name)

    def _rows(self, batch: list[str]) -> np.ndarray:
        return unit_rows(self._model.encode(batch, batch_size=self.batch, show_progress_bar=False))

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise _not_installed(self.name) from None
        _check_modules(self.name, self.folder)
        try:
            with _quiet():
                return SentenceTransformer(
                    str(self.folder), local_files_only=True, model_kwargs={"use_safetensors": True}
                )
        except Exception as error:
            raise unreadable(self.name, self.folder, error) from error


@dataclass(frozen=True)
class MeanPoolingEncoder:
    """The mean of the last hidden states of any encoder that transformers reads, of up to `LONG_TOKENS` tokens.

    With `allenai/longformer-base-4096` these are LLMRouter's query embeddings, scaled to length 1.
    """

    name: str
    folder: Path
    batch: int = 8

    @cached_property
    def revision(self) -> str:
        return folder_revision(self.folder)

    @property
    def dim(self) -> int:
        return int(self._parts[1].config.hidden_size)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        with torch_threads():
            return in_batches(texts, self._rows, dim=self.dim, size=self.batch, label=self.name)

    def _rows(self, batch: list[str]) -> np.ndarray:
        import torch

        tokenizer, model, limit = self._parts
        inputs = tokenizer(batch, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        inputs = inputs.to(model.device)
        with torch.inference_mode():
            states = model(**inputs).last_hidden_state.float()  # [n, t, dim]
        mask = inputs["attention_mask"].unsqueeze(-1)  # [n, t, 1]
        means = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return unit_rows(means.cpu().numpy())

    @cached_property
    def _parts(self) -> tuple[Any, Any, int]:
        """Tokenizer, model and the number of tokens that both can take."""
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError:
            raise _not_installed(self.name) from None
        try:
            with _quiet():
                local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
                tokenizer = AutoTokenizer.from_pretrained(self.folder, **local)
                model = AutoModel.from_pretrained(self.folder, use_safetensors=True, **local).eval()
        except Exception as error:
            raise unreadable(self.name, self.folder, error) from error
        limit = min(LONG_TOKENS, _positions(model.config), tokenizer.model_max_length)
        return tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu"), limit


@contextmanager
def torch_threads() -> Iterator[None]:
    """One thread, or OMP_NUM_THREADS, for as long as it lasts."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own bar, which shows for a second what nobody waits for."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _positions(config: Any) -> int:
    """Tokens that have a position. Descendants of RoBERTa, Longformer among them, count from after the padding's."""
    positions = int(getattr(config, "max_position_embeddings", None) or LONG_TOKENS)
    offset = any(name in config.model_type for name in ("roberta", "longformer", "camembert", "mpnet"))
    return positions - (config.pad_token_id + 1) if offset else positions


def _check_modules(name: str, folder: Path) -> None:
    """sentence-transformers imports the classes that modules.json names; only its own may be named."""
    path = folder / "modules.json"
    if not path.is_file():
        return
    try:
        types = [str(module["type"]) for module in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, KeyError) as error:
        raise unreadable(name, folder, error) from None
    foreign = [kind for kind in types if not kind.startswith("sentence_transformers.")]
    if foreign:
        raise EncoderError(f"The encoder {name} asks to run code of its own, {foreign[0]}, which rl-router never does.")


def _not_installed(name: str) -> EncoderError:
    return EncoderError(f"The encoder {name} needs torch and more: pip install 'rl-router[encoders]'.")
