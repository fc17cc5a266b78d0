"""The engine that hosts a policy, asked turn by turn: ids of the whole conversation out, ids of one turn back.

The engine keeps what it has read of a conversation (its prefix cache), so a turn costs it only what is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rl_router.policy.engines import sampled_ids, turn_request
from rl_router.pool.chat import error_message
from rl_router.pool.http_client import HttpClient, Unsent
from rl_router.pool.http_connection import Broken, TooLarge
from rl_router.pool.retry import is_retried
from rl_router.serving.errors import ApiError
from rl_router.serving.job import Engine
from rl_router.serving.json_bytes import dumps, loads

FIELDS = {"content-type": "application/json"}
RETRY_AFTER_S = 5.0


@dataclass(frozen=True, kw_only=True)
class HostedTurn:
    """One turn as an engine sampled it, its stop id included."""

    token_ids: Sequence[int]
    log_probs: None = None


class EngineClient:
    """Belongs to one event loop. ApiError, 503 or 502, where the engine gives no turn; the caller bounds the time."""

    def __init__(self, name: str, engine: Engine, stop_texts: Sequence[str]) -> None:
        self._name, self._engine, self._stop_texts = name, engine, stop_texts
        self._client = HttpClient()

    async def generate(self, prompt_ids: list[int], max_tokens: int, stop_ids: Sequence[int]) -> HostedTurn:
        kind = self._engine.kind
        path, body = turn_request(kind, self._name, prompt_ids, max_tokens, stop_ids, self._stop_texts)
        try:
            answer = await self._client.post(f"{self._engine.url.rstrip('/')}{path}", FIELDS, dumps(body))
        except (Unsent, Broken, TooLarge) as error:
            raise self._failed(503, f"does not answer ({error})") from None
        if answer.status != 200:
            status = 503 if is_retried(answer.status) else 502
            raise self._failed(status, f"answered {answer.status} ({error_message(answer.body)})")
        try:
            return HostedTurn(token_ids=sampled_ids(kind, loads(answer.body)))
        except (ValueError, KeyError, TypeError, IndexError):
            raise self._failed(502, f"sent no token ids: is it {kind}?") from None

    def close(self) -> None:
        self._client.close()

    def _failed(self, status: int, reason: str) -> ApiError:
        """503 for what another try may mend."""
        wait_s = RETRY_AFTER_S if status == 503 else None
        message = f"the engine that hosts {self._name} {reason}"
        return ApiError(status, message, code="engine_failed", retry_after_s=wait_s)
