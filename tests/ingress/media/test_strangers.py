"""The account of strangers: who has to go for whom, what is counted."""

from __future__ import annotations

from ingress.media.bounds import CONNECTIONS, HANDSHAKES, UNSTARTED_MOST, Room
from ingress.media.strangers import StrangerCounters, Strangers
from tests.ingress.fakes import Clock


class Somebody:
    """A connection that remembers whether it had to go."""

    def __init__(self) -> None:
        self.is_gone = False

    def make_room(self) -> None:
        self.is_gone = True


def strangers(clock: Clock, *, asking: int = 2, sockets: int = 1_000) -> Strangers:
    return Strangers(room=Room(asking, sockets), clock=clock)


def test_connections_have_a_rate() -> None:
    """Counted where it is too high; a second later there is some again."""
    clock = Clock()
    met = strangers(clock)
    found = [met.may_connect() for _ in range(int(CONNECTIONS.at_once) + 3)]
    assert found.count(False) == met.counters.connections_refused == 3
    clock.now_ms += 1_000
    assert met.may_connect()


def test_who_does_not_ask_makes_room() -> None:
    """Who has asked does not."""
    met, people = strangers(Clock()), [Somebody() for _ in range(5)]
    met.asks(people[0])
    met.asks(people[1])
    met.has_asked(people[0])
    for who in people[2:]:
        met.asks(who)
    assert [who.is_gone for who in people] == [False, True, True, False, False]
    assert met.counters.not_asked_in_time == 2


def test_who_does_not_start_makes_room() -> None:
    """However many strangers hold sockets, a carrier's is let in, and who has started stays."""
    clock = Clock()
    met = strangers(clock)
    call, held = Somebody(), [Somebody() for _ in range(UNSTARTED_MOST)]
    met.opened(call)
    met.started(call)
    for who in held:
        met.opened(who)
    assert not any(who.is_gone for who in held)
    newcomer = Somebody()
    assert met.may_open()
    met.opened(newcomer)
    assert [who.is_gone for who in (call, held[0], held[1], newcomer)] == [False, True, False, False]
    assert met.counters == StrangerCounters(not_started_in_time=1)


def test_sockets_have_a_number() -> None:
    """All of them, calls too; who is gone is not counted."""
    met, first, second = strangers(Clock(), sockets=2), Somebody(), Somebody()
    for who in (first, second):
        assert met.may_open()
        met.opened(who)
        met.started(who)
    assert not met.may_open()
    met.closed(first)
    assert met.may_open()
    assert met.counters == StrangerCounters(sockets_refused=1)


def test_signed_handshakes_have_a_rate() -> None:
    """A sign that somebody has a signature of the carrier's."""
    clock = Clock()
    met = strangers(clock)
    found = [met.may_open() for _ in range(int(HANDSHAKES.at_once) + 2)]
    assert found.count(False) == met.counters.handshakes_refused == 2
    clock.now_ms += 1_000
    assert met.may_open()


def test_there_is_room_by_this_processs_own_descriptors() -> None:
    """By default: some, whatever the machine allows."""
    met = Strangers()
    assert met.may_connect()
    assert met.may_open()
