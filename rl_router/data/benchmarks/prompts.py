"""What every prompt says in the same words: the options of a question, and the form in which to answer."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

SHORT = "Answer with a name, a number or a short phrase. End with a line that says `Answer: ` and the answer alone."
CHOOSE = "Choose one option. End with a line that says `Answer: ` and its label alone."
NUMBER = "Reason step by step. End with a line that says `Answer: ` and the number alone."
BOXED = r"Reason step by step, and put the final answer within \boxed{}."
CODE = "Answer with the complete Python code in one fenced block (```python), without example calls."


def lettered(options: Sequence[str]) -> dict[str, str]:
    """Options by A, B, C …"""
    return {ascii_uppercase[i]: str(option).strip() for i, option in enumerate(options)}


def labelled(choices: Mapping[str, Any]) -> dict[str, str]:
    """`{"label": […], "text": […]}`, as AI2's and tau's sets have it, by label; labels may be digits."""
    return {str(label): str(text).strip() for label, text in zip(choices["label"], choices["text"], strict=True)}


def choose(question: str, choices: Mapping[str, str]) -> str:
    options = "\n".join(f"{label}. {text}" for label, text in choices.items())
    return f"{question.strip()}\n\n{options}\n\n{CHOOSE}"


def ask(question: str, form: str) -> str:
    return f"{question.strip()}\n\n{form}"


SIGNATURES = {b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


def image_url(image: Any) -> str:
    """A `data:` URL of what `datasets` (PIL) or a parquet file (`{"bytes": …}`) holds; a URL stays one."""
    if isinstance(image, str):
        if not image.startswith(("data:", "http://", "https://")):
            raise ValueError(f"the image {image[:60]!r} is no URL; a provider cannot read files of this machine")
        return image
    data: Any = image.get("bytes") if isinstance(image, Mapping) else image
    if hasattr(data, "save"):
        buffer = io.BytesIO()
        data.convert("RGB").save(buffer, format="PNG")
        data = buffer.getvalue()
    if not isinstance(data, bytes):
        raise ValueError("an image has neither bytes nor a URL")
    kind = next((kind for start, kind in SIGNATURES.items() if data.startswith(start)), "png")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
