"""The ledger of responses with literal times: from when to when each is audible, and what is told of it."""

from __future__ import annotations

from egress.heard.accounts import ChangeKind, Echo
from egress.heard.ledger import QUIET_MS, Ledger
from egress.heard.marks import end_mark_due
from shared.contract.streams.control import SilentCause
from tests.egress.heard.test_ledger import playing, send


def test_a_response_is_audible_once_and_silent_once() -> None:
    """From the first frame sent to the echo of the last mark."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.end_response("r")
    name = ledger.mark(item, 160, 0.0)
    during = ledger.audible_response

    ledger.echo(name, 0.0)

    assert during == "r"
    assert ledger.audible_response == ""
    assert [change.kind for change in ledger.take_changes()] == [
        ChangeKind.AUDIBLE,
        ChangeKind.HEARD,
        ChangeKind.SILENT,
    ]


def test_a_response_with_more_to_come_stays_audible() -> None:
    """Its first item is heard to the end, but the response is not over."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.echo(ledger.mark(item, 160, 0.0), 0.0)
    between = ledger.audible_response

    ledger.end_response("r")

    assert between == "r"
    assert ledger.audible_response == ""


def test_a_response_whose_end_never_comes_falls_silent() -> None:
    """All of it was heard and nothing came for three seconds."""
    ledger, _ = playing(received_ms=160)

    ledger.expire(160.0 + QUIET_MS - 1)
    before = ledger.audible_response
    ledger.expire(160.0 + QUIET_MS)

    assert before == "r"
    assert ledger.audible_response == ""
    assert [change.cause for change in ledger.take_changes()] == [None, SilentCause.PLAYED]


def test_every_change_names_its_response_item_and_figure() -> None:
    """Audible, heard whole, silent: what the brain is told."""
    ledger, first = playing(received_ms=160)
    second = ledger.receive("r", "b", 40, 0.0)
    send(ledger, second, range(2), 0.0)
    ledger.end_item(first, 0.0)
    ledger.end_item(second, 0.0)
    ledger.end_response("r")
    names = [ledger.mark(first, 160, 0.0), ledger.mark(second, 40, 0.0)]

    for name in names:
        assert ledger.echo(name, 0.0) is Echo.PLAYED

    told = [(c.kind, c.response_id, c.item_id, c.heard_ms, c.cause) for c in ledger.take_changes()]
    assert told == [
        (ChangeKind.AUDIBLE, "r", "a", 0, None),
        (ChangeKind.HEARD, "r", "a", 160, None),
        (ChangeKind.HEARD, "r", "b", 40, None),
        (ChangeKind.SILENT, "r", "b", 40, SilentCause.PLAYED),
    ]
    assert ledger.items == ()
    assert not ledger.has_changes


def test_what_waits_for_a_mark_is_not_taken_for_quiet() -> None:
    """An item that is out and ended ends by its mark; one that waits for more audio by the clock."""
    ended, open_ = playing(received_ms=160), playing(received_ms=160)
    behind = playing(received_ms=400)
    ended[0].end_item(ended[1], 0.0)

    quiet = [pair[0]._quiet_at_ms(pair[1].response) for pair in (ended, open_, behind)]

    assert quiet == [float("inf"), 160.0 + QUIET_MS, float("inf")]


def test_what_lacks_one_frame_of_what_came_waits_for_it() -> None:
    """It will be sent, so the response is not quiet; less than a frame is not sent before the item ends."""
    whole, less = playing(received_ms=180), playing(received_ms=179)

    assert whole[0]._quiet_at_ms(whole[1].response) == float("inf")
    assert less[0]._quiet_at_ms(less[1].response) == 160.0 + QUIET_MS


def test_an_item_without_audio_is_not_said_to_be_heard() -> None:
    """One of a millisecond is, and its end is marked."""
    ledger = Ledger(leg=1, cut=0)
    empty, short = ledger.receive("r", "a", 0, 0.0), ledger.receive("r", "b", 1, 0.0)
    send(ledger, short, range(1), 0.0)
    ledger.take_changes()

    ledger.end_item(empty, 0.0)
    ledger.end_item(short, 0.0)

    assert ledger.find("a") is None
    assert end_mark_due(short)
    ledger.echo(ledger.mark(short, 1, 0.0), 0.0)
    assert [(change.kind, change.item_id) for change in ledger.take_changes()] == [(ChangeKind.HEARD, "b")]


def test_a_response_that_is_over_is_forgotten() -> None:
    """A call of hours has hundreds of them."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.end_response("r")
    ledger.echo(ledger.mark(item, 160, 0.0), 0.0)

    assert ledger._responses == {}


def test_a_response_is_quiet_only_after_its_last_entry() -> None:
    """A piece of audio too short for a frame, or the end of an item, shows that its maker lives."""
    piece, end = playing(received_ms=160), playing(received_ms=160)

    piece[0].receive("r", "a", 165, 9_000.0)
    end[0].receive("r", "b", 0, 0.0)
    other = end[0].find("b")
    assert other is not None
    end[0].end_item(other, 9_000.0)

    assert [ledger._quiet_at_ms(item.response) for ledger, item in (piece, end)] == [9_000.0 + QUIET_MS] * 2
