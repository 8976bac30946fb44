"""Echoes after a stop: which of them may be of what was forgotten."""

from __future__ import annotations

from egress.heard.accounts import PlayedItem, PlayedResponse
from egress.heard.marks import MARK_DEADLINE_MS, read_mark
from egress.heard.stops import STOP, Stops


def sent(ms: int, item_id: str = "a") -> PlayedItem:
    """An item of which so much was sent."""
    return PlayedItem(item_id, PlayedResponse("r"), received_ms=2_000, sent_ms=ms)


def test_before_a_stop_every_echo_counts() -> None:
    """Nothing was forgotten."""
    assert not Stops().voids(sent(900), 500, 0.0)


def test_behind_a_stop_echoes_up_to_what_was_sent_say_nothing() -> None:
    """They may come because of the clear; what had not been sent by then is new."""
    stops, item = Stops(), sent(900)
    stops.begin(1, 0, [item], 100.0)

    assert [stops.voids(item, ms, 150.0) for ms in (500, 900, 901)] == [True, True, False]
    assert not stops.voids(sent(900, "b"), 500, 150.0), "an item that began behind it"


def test_the_mark_behind_the_stop_ends_the_doubt() -> None:
    """Echoes come in order; another mark ends nothing."""
    stops, item = Stops(), sent(900)
    name = stops.begin(1, 0, [item], 100.0)
    stops.echoed("1.0.a.500")
    assert stops.voids(item, 500, 150.0)

    stops.echoed(name)

    assert not stops.voids(item, 500, 150.0)


def test_a_mark_that_never_comes_back_does_not_keep_the_doubt() -> None:
    """Carriers lose echoes: by then nothing of what was forgotten comes any more."""
    stops, item = Stops(), sent(900)
    stops.begin(1, 0, [item], 100.0)

    assert stops.voids(item, 500, 99.0 + MARK_DEADLINE_MS)
    assert not stops.voids(item, 500, 100.0 + MARK_DEADLINE_MS)


def test_the_mark_is_of_no_item() -> None:
    """An owner that did not send it takes it for one of an item that it does not know."""
    name = Stops().begin(2, 3, [], 1_234.4)

    assert read_mark(name) == (2, 3, STOP, 1_234)
