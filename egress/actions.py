"""What the core of a call asks its driver to do.

Owns: the shapes only. Frames pass some twenty times a second a call, so they are the cheapest kind of record;
the rest are rare. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from shared.contract.card import EgressFigures
from shared.contract.streams.control import Audible, Flushed, Heard, Silent


class Frames(NamedTuple):
    """Frames of 160 bytes to send now, up to GROUP_FRAMES, one behind the other in one stretch of one item.
    `n` is the number of the last one; numbers rise for the whole call, over cuts and legs."""

    n: int
    audio: bytes


class Mark(NamedTuple):
    """A mark to send behind frame `n`."""

    n: int
    name: str


class Sound(NamedTuple):
    """What follows frame `n` answers all debts up to `debt`."""

    n: int
    debt: int


class End(NamedTuple):
    """Frame `n` was the last one of that answer."""

    n: int
    debt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Twilio is to forget what it has. Never waits: urgent."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Twilio is to forget what it has, and gets it again. The mark goes behind that. Never waits: urgent."""

    n: int
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Asks ingress for the last frame it gave the socket. Urgent."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A control message to the brain's owner, and a journal line of the same kind. Urgent."""

    message: Audible | Heard | Silent | Flushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Trims `reply` up to what was heard, and notes positions on the card, in one fenced script.

    keep_from: id of the first entry to keep, '' to trim nothing.
    """

    keep_from: str
    figures: EgressFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """Reads `reply` again behind entry `after_id`, and gives the entries to `on_refill`."""

    after_id: str


Action = Frames | Mark | Sound | End | Clear | Pause | Attach | Post | Save | Refill
