"""TTLs and copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]


def test_ttls_pass_with_the_clock(simulated: Any) -> None:
    """A key is gone when virtual time has come there."""
    simulated.ask("HSET", "h", "a", "1")
    assert simulated.ask("PEXPIRE", "h", 500) == 1
    assert simulated.ask("PTTL", "h") == 500
    simulated.now_us += 500_000
    assert simulated.ask("EXISTS", "h") == 0
    assert simulated.ask("PTTL", "h") == -2


def test_a_copy_knows_nothing_of_what_came_after(simulated: Any) -> None:
    """As a replica that lacks the last writes."""
    simulated.ask("XADD", "s", "1-0", "f", "v")
    copied = simulated.server.keys.copied()
    simulated.ask("XADD", "s", "2-0", "f", "v")
    simulated.server.keys.restore(copied)
    assert simulated.ask("XLEN", "s") == 1
