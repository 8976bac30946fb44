"""The way to the one server of a test, as a process has it."""

from __future__ import annotations

from shared.store.reach.servers import Servers, Way


def way_to(url: str) -> Way:
    """To the server at `url`. Nothing is connected yet."""
    return Servers(url).way()
