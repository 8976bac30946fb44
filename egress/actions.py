"""What the core of a call asks its driver to do.

Owns: the shapes only. A Frame passes fifty times a second a call, so it is the cheapest kind of record;
the rest are rare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Frame(NamedTuple):
    """160 bytes of audio to send now; `n` rises for the whole call, over cuts and legs."""

    n: int
    audio: bytes


class Mark(NamedTuple):
    """A mark to send behind frame `n`."""

    n: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Twilio is to forget what it has. Never waits: urgent."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Asks ingress for the last frame it gave the socket. Urgent."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A control message to the brain's owner, and a journal line of the same kind. Urgent."""

    kind: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Trim `reply` up to what was heard, and note positions on the card, in one fenced script.

    keep_from: id of the first entry to keep, '' to trim nothing. figures: card fields.
    """

    keep_from: str
    figures: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """Read `reply` again behind entry `after_id`, and give the entries to `on_refill`."""

    after_id: str


Action = Frame | Mark | Clear | Attach | Post | Save | Refill
