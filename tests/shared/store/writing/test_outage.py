"""An outage, and an episode of refused writes, are told twice: at the beginning and at the end."""

from __future__ import annotations

from shared.store.refusals import RefusedWrites
from shared.store.writing.outage import CALM_MS, Outage, RefusalBegan, RefusalOver, RefusalTold, in_words


def test_one_outage_of_many_connections() -> None:
    """It begins with the first that fails and is over with the last that works; attempts count for
    nothing."""
    outage = Outage()
    assert outage.works("outbox", 0.0) is None
    assert outage.failed("outbox", 1000.0)
    assert not outage.failed("dispatch-0", 1001.0)
    assert not outage.failed("outbox", 1300.0)
    assert outage.works("outbox", 4000.0) is None
    assert outage.works("dispatch-0", 5000.0) == 4000.0
    assert outage.works("dispatch-0", 5001.0) is None
    assert outage.failed("outbox", 6000.0)


def test_an_episode_is_told_once_at_its_beginning_and_once_at_its_end() -> None:
    """A Redis at the edge of its memory, which refuses and takes by turns, is one episode."""
    told = RefusalTold()
    assert told.look(None, 0.0) is None
    assert told.look(90.0, 100.0) == RefusalBegan()
    for now_ms in range(500, 20_000, 500):
        refused_since_ms = None if now_ms % 1000 else now_ms - 50.0
        assert told.look(refused_since_ms, float(now_ms)) is None
    last_ms = 20_000.0
    assert told.look(last_ms, last_ms) is None
    assert told.look(None, last_ms + CALM_MS - 1) is None
    assert told.look(None, last_ms + CALM_MS) == RefusalOver(last_ms - 90.0)
    assert told.look(None, last_ms + 2 * CALM_MS) is None
    assert told.look(last_ms + 3 * CALM_MS, last_ms + 3 * CALM_MS) == RefusalBegan()


def test_a_refusal_is_told_with_its_beginning() -> None:
    """In the error's own words, and since when by the wall."""
    refused = RefusedWrites(1_000.0, "OOM", "OOM command not allowed.")
    assert in_words(refused, 4_000.0, 3_000.0) == (
        "Redis refuses writes: OOM command not allowed (since 00:00:00 UTC)"
    )


def test_a_slot_that_does_not_arrive_says_what_to_do() -> None:
    """Not in the first moments: most moves are over by then."""
    refused = RefusedWrites(0.0, "ASK", "ASK 866 127.0.0.1:7001")
    assert "--cluster fix" not in in_words(refused, 9_000.0, 9_000.0)
    assert "--cluster fix" in in_words(refused, 11_000.0, 11_000.0)
