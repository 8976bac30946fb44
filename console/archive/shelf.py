"""Where calls that are over are kept: the interface, and what may be asked of it.

Why it exists: one host keeps them in a file, several on a server, and neither the writer nor a page cares.
Owns: the questions. Must not know: SQL, Redis. Every method blocks: it is called in a thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from console.archive.kept import KeptCall, WholeCall

PAGE = 50
"""Calls a page."""


class ShelfError(Exception):
    """The archive cannot be read or written; the text says which, and what to do. No password stands in
    it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which calls are asked for; what is empty fits all."""

    since_ms: int = 0
    """That ended at this wall time or later."""
    before: tuple[int, str] | None = None
    """That come behind it: when the last call of the page before ended, and its SID. Several may have ended
    in the same millisecond."""
    number: str = ""
    """The end of the caller's or the called number."""
    tags: tuple[str, ...] = ()
    """Tags of the caller, where the whole number is known: then it is one caller's calls, or that number was
    called."""
    agent: str = ""
    outcome: str = ""
    cause: str = ""
    limit: int = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What there was, newest first."""

    calls: list[KeptCall]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What may be searched for: the words that stand there."""

    agents: list[str]
    outcomes: list[str]
    causes: list[str]


class Shelf(Protocol):
    """The archive. Every method raises ShelfError."""

    def put(self, row: KeptCall, packed: bytes) -> bool:
        """Keeps a call; one that is kept already is what it is now. False: it was forgotten meanwhile, and
        is not kept."""

    def known(self, call_sids: Collection[str]) -> set[str]:
        """Which of these are kept."""

    def newest_ms(self) -> int:
        """When the newest call that is kept ended; 0: there is none."""

    def find(self, search: Search) -> Page:
        """Calls that fit."""

    def choices(self) -> Choices:
        """Words of all that is kept, for the form of a search."""

    def read(self, call_sid: str) -> WholeCall | None:
        """All of one call; None: it is not kept. Raises ContractError for one that cannot be read."""

    def of_caller(self, tags: Collection[str], number: str) -> list[str]:
        """Calls of one caller: by tags of theirs, or by the number in full where it is not masked."""

    def delete(self, call_sids: Iterable[str]) -> int:
        """Forgets calls; returns how many there were. For a day none of them can be put: whoever has read
        one just before in Redis may be about to."""

    def expire(self, before_ms: int) -> int:
        """Forgets calls that ended before; returns how many there were."""

    def close(self) -> None:
        """Lets go of it."""
