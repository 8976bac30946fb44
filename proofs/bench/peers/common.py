"""What every peer is told on its command line, and what it tells the model.

Why it exists: all of them must hold the same conversation: the same turn detection, the same format. Owns:
that session, these arguments. Must not know: how a peer works. It runs in environments of the peers, so it
needs nothing but Python itself.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

MODEL = "gpt-realtime-2.1"
VOICE = "marin"
INSTRUCTIONS = "You are a friendly telephone agent."
SILENCE_MS = 500
"""Of the caller, after which a turn has ended."""

SESSION: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": INSTRUCTIONS,
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": SILENCE_MS},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": VOICE},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where a peer listens, and where its model is."""

    port: int
    model_url: str
    """`ws://host:port/v1/realtime`, without a query."""
    api_key: str

    @property
    def model_url_with_query(self) -> str:
        """As a client connects to it."""
        return f"{self.model_url}?model={MODEL}"


def options(name: str, arguments: list[str] | None = None) -> Options:
    """Of the command line; ends with code 2 and a sentence when it is wrong."""
    parser = argparse.ArgumentParser(
        prog=f"python -m proofs.bench.peers.{name}",
        description="A Media Streams server at ws://127.0.0.1:PORT/media, for comparison.",
    )
    parser.add_argument("--port", type=int, required=True, help="port of the media socket")
    parser.add_argument("--model-base-url", required=True, help="http(s) base URL of the Realtime API")
    parser.add_argument("--api-key", default="bench", help="for the Realtime API (%(default)s)")
    read = parser.parse_args(arguments)
    base: str = read.model_base_url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        parser.error(f"--model-base-url: expected http(s)://…, got {base!r}")
    return Options(
        port=read.port, model_url="ws" + base.removeprefix("http") + "/realtime", api_key=read.api_key
    )
