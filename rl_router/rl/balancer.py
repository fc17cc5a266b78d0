"""Stands where verl keeps the actor that spreads turns over its engines.

Episodes run inside our own engine's servers and take their turns from the server that they are in, so nobody asks it.
verl's own would import all of verl to wait for that, ten CPU-seconds of every start.
"""

from __future__ import annotations

from typing import Any


class NoBalancer:
    """verl passes the engines and the file that names this class."""

    def __init__(self, servers: dict[str, Any], config: dict[str, Any]) -> None:
        self.servers = servers
