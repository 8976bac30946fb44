"""Wrong tokens are bounded, of one peer and of all; one line a minute tells of them."""

from __future__ import annotations

from console.tries import (
    ALL_AT_ONCE,
    LINE_EVERY_MS,
    PEER_AT_ONCE,
    PEER_EVERY_MS,
    PEERS_MOST,
    Tries,
)


class Clock:
    ms = 1_000.0

    def __call__(self) -> float:
        return self.ms


PEER, OTHER = "10.0.0.1", "10.0.0.2"


def test_a_peer_has_some_tries_and_then_one_after_the_other() -> None:
    """Another peer has its own."""
    clock = Clock()
    tries = Tries(clock)
    for _ in range(PEER_AT_ONCE):
        assert tries.wait_s(PEER) == 0
        tries.failed(PEER)
    assert tries.wait_s(PEER) == PEER_EVERY_MS / 1000
    assert tries.wait_s(OTHER) == 0
    clock.ms += PEER_EVERY_MS - 1
    assert tries.wait_s(PEER) == 1
    clock.ms += 1
    assert tries.wait_s(PEER) == 0
    tries.failed(PEER)
    assert tries.wait_s(PEER) > 0


def test_many_peers_have_one_bound_together() -> None:
    """Whoever has never tried waits too; a pause of an hour gives no more than there was."""
    clock = Clock()
    tries = Tries(clock)
    for _ in range(2):
        for number in range(ALL_AT_ONCE):
            assert tries.wait_s(f"10.0.1.{number}") == 0
            tries.failed(f"10.0.1.{number}")
        assert tries.wait_s(PEER) > 0
        clock.ms += 3_600_000


def test_an_address_of_the_same_network_is_the_same_peer() -> None:
    """In IPv6 a peer has more addresses than could be counted."""
    tries = Tries(Clock())
    for number in range(PEER_AT_ONCE):
        tries.failed(f"2001:db8::{number}")
    assert tries.wait_s("2001:db8::ffff") > 0
    assert tries.wait_s("2001:db8:0:1::1") == 0


def test_peers_that_are_kept_are_bounded() -> None:
    """A crowd is forgotten from its oldest on."""
    clock = Clock()
    tries = Tries(clock)
    for number in range(PEERS_MOST + 10):
        tries.failed(str(number))
    assert len(tries._peers) == PEERS_MOST


def test_a_line_tells_of_all_since_the_last() -> None:
    """At most one a minute."""
    clock = Clock()
    tries = Tries(clock)
    assert [tries.failed(PEER) for _ in range(4)] == [1, 0, 0, 0]
    clock.ms += LINE_EVERY_MS
    assert [tries.failed(PEER) for _ in range(2)] == [4, 0]
