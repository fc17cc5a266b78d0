"""Text to vectors: the features of a query, of a model or of a benchmark."""

from rl_router.encoders.encoder import Encoder
from rl_router.encoders.registry import make_encoder

__all__ = ["Encoder", "make_encoder"]
