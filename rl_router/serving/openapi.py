"""The OpenAPI document of the gateway, written by hand: bodies of OpenAI's own endpoints are open, ours are strict."""

from __future__ import annotations

from typing import Any

from rl_router import __version__
from rl_router.serving.json_bytes import dumps

ERROR = {"description": "an error as OpenAI writes it", "content": {"application/json": {"schema": {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {
        "type": "object",
        "required": ["message", "type", "param", "code"],
        "properties": {
            "message": {"type": "string"}, "type": {"type": "string"},
            "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]},
        },
    }},
}}}}  # fmt: skip
MODEL = {"type": "string", "description": "auto, rl-router/NAME, router-NAME-THRESHOLD, router-tool-rl, or a model"}
EXTRAS = {
    "cost_weight": {"type": "number", "minimum": 0},
    "budget_usd": {"type": "number", "minimum": 0},
    "allowed_models": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "session_id": {"type": "string"},
    "user": {"type": "string"},
}
MESSAGES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string"}, "content": {"type": ["string", "array", "null"]}},
    },
}
FEEDBACK = {
    "type": "object",
    "required": ["request_id"],
    "properties": {
        "request_id": {"type": "string", "minLength": 1, "maxLength": 100},
        "quality": {"type": "number", "minimum": 0, "maximum": 1},
        "rating": {"enum": ["up", "down"]},
    },
}


def _body(required: tuple[str, ...], properties: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["model", *required],
        "properties": {"model": MODEL, **properties, **EXTRAS},
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _operation(summary: str, body: dict[str, Any] | None = None, kind: str = "application/json") -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": "the answer", "content": {kind: {}}}, "default": ERROR}
    if body is not None:
        answers["200"]["content"]["text/event-stream"] = {}
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    return operation if body is None else {**operation, "requestBody": body}


NAME = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}

DOCUMENT = dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "rl-router", "version": __version__},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
        "paths": {
            "/v1/chat/completions": {
                "post": _operation(
                    "Answer a conversation", _body(("messages",), {"messages": MESSAGES, "stream": {"type": "boolean"}})
                )
            },
            "/v1/responses": {
                "post": _operation(
                    "OpenAI's Responses API", _body(("input",), {"input": {"type": ["string", "array"]}})
                )
            },
            "/v1/embeddings": {
                "post": _operation("Vectors of texts", _body(("input",), {"input": {"type": ["string", "array"]}}))
            },
            "/v1/route": {"post": _operation("Decide and call nobody", _body(("messages",), {"messages": MESSAGES}))},
            "/v1/feedback": {
                "post": _operation(
                    "Say how good an answer was",
                    {"required": True, "content": {"application/json": {"schema": FEEDBACK}}},
                )
            },
            "/v1/models": {"get": _operation("Every name that a request may give as its model")},
            "/v1/models/{model}": {
                "get": {**_operation("One of these names"), "parameters": [NAME]},
            },
            "/health": {"get": _operation("That the process lives")},
            "/ready": {"get": _operation("Whether new requests should come here")},
            "/metrics": {"get": _operation("Counters for Prometheus", kind="text/plain")},
            "/debug/tools": {"get": _operation("The models as a policy's tools")},
            "/admin/reload": {"post": _operation("Read routers, pool and keys anew")},
        },
    }
)
