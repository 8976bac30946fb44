"""Short telephone-quality speech for callers and the model, in English and in Hebrew.

Owns: the audio files beside it and their manifest. The speech is synthetic (espeak-ng, made from lines.toml),
so it may be shared freely. Clips are raw µ-law, 8 kHz, mono, without a header: 8 bytes a millisecond, the
bytes that a telephone call carries.

    make  speaks lines.toml again: audio files and manifest
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One line of the manifest."""

    name: str
    language: str
    """ISO 639-1: `en` or `he`."""
    speaker: Literal["caller", "model"]
    text: str
    duration_ms: int


@cache
def manifest() -> MappingProxyType[str, Clip]:
    """Every clip by name, in the order in which they were made."""
    text = resources.files(__name__).joinpath("manifest.json").read_text("utf-8")
    clips = {name: Clip(name=name, **fields) for name, fields in json.loads(text).items()}
    return MappingProxyType(clips)


@cache
def load(name: str) -> bytes:
    """The µ-law audio of one clip. Raises `KeyError`, naming the clips that exist, for an unknown name."""
    if name not in manifest():
        raise KeyError(f"expected one of the clips {', '.join(manifest())}, got {name!r}")
    return resources.files(__name__).joinpath(f"{name}.ulaw").read_bytes()
