"""Every refusal as OpenAI writes it: a status, and `{"error": {message, type, param, code}}`.

https://platform.openai.com/docs/guides/error-codes. The official clients choose the class of their exception by status.
"""

from __future__ import annotations

from rl_router.errors import BudgetExceededError, RouterError, UnknownModelError
from rl_router.serving.json_bytes import dumps

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "upstream_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class ApiError(Exception):
    """What a client is told instead of an answer. `retry_after_s` becomes the header of that name."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.retry_after_s = retry_after_s

    @property
    def body(self) -> bytes:
        kind = TYPES.get(self.status, "invalid_request_error")
        return dumps({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        if self.retry_after_s is None:
            return []
        return [(b"retry-after", b"%d" % max(1, round(self.retry_after_s)))]


class Failed(Exception):
    """A model gave no answer that counts. `reply` is the upstream's own refusal, to be passed on if nobody answers.

    `final`: it is the request's fault, and no other model would take it.
    """

    def __init__(
        self, error: ApiError, *, reply: tuple[int, bytes, list[tuple[bytes, bytes]]] | None = None, final: bool = False
    ) -> None:
        super().__init__(error.message)
        self.error, self.reply, self.final = error, reply, final


def api_error(error: RouterError) -> ApiError:
    """What a router or a pool refuses is the request's fault."""
    message = " ".join(str(error).split())
    if isinstance(error, UnknownModelError):
        return ApiError(404, message, code="model_not_found", param="model")
    if isinstance(error, BudgetExceededError):
        return ApiError(429, message, code="insufficient_quota")
    return ApiError(400, message)
