"""The ledger with literal times: what was heard, whatever is echoed, and when a response is audible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from egress.heard.accounts import ChangeKind, Echo, PlayedItem
from egress.heard.ledger import BROKEN_MOST_MS, HEARD_OUT_MS, Ledger
from egress.heard.marks import MARK_DEADLINE_MS, end_mark_due, mark_due, mark_name
from shared.contract.streams.control import SilentCause


def send(ledger: Ledger, item: PlayedItem, frames: range, now_ms: float) -> None:
    """Sends the frames at one moment; ingress confirms them."""
    for index in frames:
        ledger.sent(item, (index + 1) * 20, now_ms)
    ledger.confirm(item, frames.stop * 20, now_ms)


def playing(received_ms: int = 1000, now_ms: float = 0.0) -> tuple[Ledger, PlayedItem]:
    """A ledger whose first item has its first eight frames out."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", received_ms, now_ms)
    send(ledger, item, range(8), now_ms)
    return ledger, item


def test_an_echo_after_a_stop_is_measured_by_the_clock_as_it_was_set() -> None:
    """160 ms reached Twilio at 1,000 only: an echo at 1,190 of what plays until 1,160 is 30 ms behind."""
    ledger, item = playing(received_ms=4_000)
    name = ledger.mark(item, 160, 0.0)
    ledger.hold(0.0)
    ledger.resume(1_000.0, playing_ms=160.0)

    ledger.echo(name, 1_190.0)
    for index in range(8, 16):
        ledger.sent(item, (index + 1) * 20, 1_190.0)
    ledger.confirm(item, 320, 1_195.0)

    assert ledger.heard_ms(item, 1_290.0) == 160 + 100 - 30


def test_a_new_leg_knows_nothing_of_the_way_of_the_old_one() -> None:
    """Its first confirmation tells."""
    ledger, item = playing(received_ms=4_000)
    ledger.echo(ledger.mark(item, 160, 160.0), 400.0)
    ledger.new_leg(2, 0.0)
    ledger.play_from(1_000.0)

    for index in range(8, 16):
        ledger.sent(item, (index + 1) * 20, 1_000.0)
    ledger.confirm(item, 320, 1_010.0)

    assert ledger.heard_ms(item, 1_100.0) == 160 + 90


def test_an_echo_proves_more_than_the_clock() -> None:
    """A mark that comes back early is believed; one for audio that was not sent is not."""
    ledger, item = playing()
    name = ledger.mark(item, 100, 0.0)

    worth = [ledger.echo(name, 0.0), ledger.echo(name, 0.0), ledger.echo("1.0.a.500", 0.0)]

    assert worth == [Echo.PLAYED, Echo.DUPLICATED, Echo.STALE]
    assert ledger.heard_ms(item, 0.0) == 100


def test_echoes_of_another_leg_or_cut_prove_nothing() -> None:
    """Only a mark of the current leg and cut counts; foreign names are stale too."""
    ledger, item = playing()

    worth = {ledger.echo(name, 0.0) for name in ("2.0.a.100", "1.1.a.100", "1.0.x.100", "hold-clip", "")}

    assert worth == {Echo.STALE}
    assert ledger.heard_ms(item, 0.0) == 0
    assert ledger.counters.echoes_stale == 5


def test_a_later_echo_stands_for_those_that_were_lost() -> None:
    """Echoes come in order: what was passed over is lost, and was played all the same."""
    ledger, item = playing(received_ms=160)
    ledger.mark(item, 100, 0.0)
    ledger.mark(item, 140, 0.0)
    ledger.end_item(item, 0.0)
    name = ledger.mark(item, 160, 0.0)

    verdict = ledger.echo(name, 0.0)

    assert verdict is Echo.PLAYED
    assert ledger.counters.marks_lost == 2
    assert ledger.find("a") is None


def test_a_flush_reports_what_was_heard_until_then() -> None:
    """Received, sent and heard of each item; afterwards nothing is known and nothing is audible."""
    ledger, item = playing()
    ledger.take_changes()

    reports = ledger.flush(1, 90.0)

    (report,) = reports
    assert (report.received_ms, report.sent_ms, report.heard_ms) == (1000, 160, 90)
    assert ledger.cut == 1
    (change,) = ledger.take_changes()
    assert (change.kind, change.heard_ms, change.cause) == (ChangeKind.SILENT, 90, SilentCause.FLUSHED)
    assert ledger.echo("1.0.a.100", 0.0) is Echo.STALE
    assert item.highest_ms == 90


def test_a_mark_that_never_comes_has_a_deadline() -> None:
    """Two seconds after it was due the clock's word is taken."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.end_response("r")
    ledger.mark(item, 160, 0.0)

    ledger.expire(160.0 + MARK_DEADLINE_MS - 1)
    before = ledger.audible_response
    ledger.expire(160.0 + MARK_DEADLINE_MS)

    assert before == "r"
    assert ledger.audible_response == ""
    assert ledger.counters.marks_lost == 1


def test_the_clock_stands_while_there_is_no_way_to_twilio() -> None:
    """Held at 50 ms: nothing more is heard, no deadline falls, until it is resumed."""
    ledger, item = playing()
    ledger.mark(item, 160, 0.0)

    ledger.hold(50.0)
    ledger.expire(10_000.0)
    held = ledger.heard_ms(item, 10_000.0)
    ledger.resume(10_000.0, playing_ms=110.0)

    assert held == 50
    assert ledger.counters.marks_lost == 0
    assert ledger.heard_ms(item, 10_060.0) == 110


Inputs = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 8)),
        st.tuples(st.just("confirm"), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.integers(0, 400)),
        st.tuples(st.just("echo"), st.integers(-10, 2000)),
        st.tuples(st.just("receive"), st.integers(0, 300)),
        st.tuples(st.just("hold"), st.just(0)),
        st.tuples(st.just("resume"), st.integers(0, 160)),
        st.tuples(st.just("rewind"), st.integers(0, 50)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("expire"), st.just(0)),
    ),
    max_size=60,
)


@given(Inputs)
def test_heard_never_exceeds_sent_and_never_falls(inputs: list[tuple[str, int]]) -> None:
    """0 ≤ heard ≤ sent ≤ received (padded), and heard only grows, under any echoes and faults."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 0, 0.0)
    now, cursor, last = 0.0, 0, 0.0
    for kind, value in inputs:
        if kind == "send":
            for _ in range(value):
                if (cursor + 1) * 20 <= item.received_ms:
                    cursor += 1
                    ledger.sent(item, cursor * 20, now)
        elif kind == "confirm":
            ledger.confirm(item, min(value, cursor) * 20, now)
        elif kind == "wait":
            now += value
        elif kind == "echo":
            ledger.echo(f"1.0.a.{value}", now)
        elif kind == "receive":
            ledger.receive("r", "a", item.received_ms + value, now)
        elif kind == "hold":
            ledger.hold(now)
        elif kind == "resume":
            ledger.resume(now, playing_ms=value)
        elif kind == "rewind":
            cursor = min(cursor, value)
            ledger.rewind(item, cursor * 20)
        elif kind == "mark":
            ledger.mark(item, cursor * 20, now)
        else:
            ledger.expire(now)

        heard = ledger.heard_ms(item, now)
        assert last <= heard <= item.sent_ms <= item.received_ms
        last = heard


def test_a_rewind_takes_back_what_was_sent_behind_it() -> None:
    """Cursor, clock, confirmation and marks; what was sent stays sent, what was marked is marked again."""
    ledger, item = playing(received_ms=2_000)
    for index in range(8, 40):
        ledger.sent(item, (index + 1) * 20, 0.0)
        if mark_due(item, (index + 1) * 20):
            ledger.mark(item, (index + 1) * 20, 0.0)
    ledger.confirm(item, 600, 0.0)

    ledger.rewind(item, 400)

    assert (item.cursor_ms, item.confirmed_ms, item.sent_ms, item.marked_ms) == (400, 400, 800, -1)
    assert item.plays_until_ms == 400.0
    assert ledger.heard_ms(item, 100.0) == 100.0
    ledger.sent(item, 420, 100.0)
    assert item.plays_until_ms == 420.0
    assert mark_due(item, 500)


def test_after_a_stop_the_clock_and_the_marks_wait_again() -> None:
    """`playing_ms` reached Twilio only now; an item that was heard out is not said to play."""
    ledger, first = playing(received_ms=160)
    second = ledger.receive("r", "b", 1_000, 0.0)
    ledger.mark(first, 160, 0.0)
    send(ledger, second, range(3), 0.0)
    assert (ledger.heard_ms(first, 170.0), ledger.heard_ms(second, 170.0)) == (160, 10)
    ledger.hold(170.0)
    assert ledger.next_deadline_ms is None

    ledger.resume(5_000.0, playing_ms=40.0)

    assert first.plays_until_ms == 160.0
    assert second.plays_until_ms == 5_040.0
    assert ledger.next_deadline_ms == 5_040.0 + MARK_DEADLINE_MS
    assert ledger.heard_ms(second, 5_010.0) == 60.0 - 30.0


def test_counters_count_each_mark_and_echo() -> None:
    """One each: sent, lost, played, twice, stale."""
    ledger, item = playing()
    names = [ledger.mark(item, ms, 0.0) for ms in (20, 40, 60)]
    for name in (names[1], names[1], names[0], "nonsense", "9.9.a.20", "1.0.a.9999", names[2]):
        ledger.echo(name, 0.0)
    ledger.mark(item, 80, 0.0)
    ledger.mark(item, 100, 0.0)
    ledger.hear_from(160.0)
    ledger.expire(160.0 + MARK_DEADLINE_MS)

    counters = ledger.counters
    assert (counters.marks_sent, counters.marks_lost) == (5, 3)
    assert (counters.echoes, counters.echoes_duplicated, counters.echoes_stale) == (7, 2, 3)


def test_the_flush_reports_every_item_in_order() -> None:
    """Each with its own figures."""
    ledger, _ = playing(received_ms=400)
    second = ledger.receive("r2", "b", 1_000, 0.0)
    send(ledger, second, range(1), 0.0)

    reports = ledger.flush(3, 100.0)

    assert [(r.item_id, r.response_id, r.received_ms, r.sent_ms, r.heard_ms) for r in reports] == [
        ("a", "r", 400, 160, 100),
        ("b", "r2", 1_000, 20, 0),
    ]
    assert (ledger.cut, ledger.items, ledger.playhead) == (3, (), None)
    assert [(c.kind, c.response_id, c.item_id, c.heard_ms, c.cause) for c in ledger.take_changes()][2:] == [
        (ChangeKind.SILENT, "r", "a", 100, SilentCause.FLUSHED),
        (ChangeKind.SILENT, "r2", "b", 0, SilentCause.FLUSHED),
    ]


def test_what_an_owner_before_us_gave_to_the_socket_is_audible() -> None:
    """The brain was told so before; what of it still plays is heard as it plays."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)

    ledger.skipped(item, 400, 1_000.0, playing_ms=100.0)

    assert ledger.audible_response == "r"
    assert not ledger.has_changes
    assert [ledger.heard_ms(item, now) for now in (1_000.0, 1_050.0, 1_200.0)] == [300, 350, 400]


def test_all_is_settled_of_an_item_that_is_not_known() -> None:
    """Any more, or not yet; of one that is known, what nobody will ask for again."""
    ledger, _ = playing()

    assert ledger.settled_ms("a", 160.0, 20.0) == 20
    assert ledger.settled_ms("nobody", 160.0, None) == float("inf")


def test_an_echo_of_a_later_item_settles_those_before_it() -> None:
    """Twilio plays strictly in order: what stands before a played mark was played."""
    ledger, first = playing(received_ms=160)
    second = ledger.receive("r", "b", 160, 0.0)
    third = ledger.receive("r", "c", 160, 0.0)
    for item in (second, third):
        send(ledger, item, range(8), 0.0)
    for item in (first, second, third):
        ledger.end_item(item, 0.0)
    names = [ledger.mark(item, 160, 0.0) for item in (first, second, third)]

    assert ledger.echo(names[1], 0.0) is Echo.PLAYED

    assert [item.item_id for item in ledger.items] == ["c"]
    assert third.acknowledged_ms == 0
    assert ledger.counters.marks_lost == 1


def test_a_lost_mark_inside_an_item_settles_nothing() -> None:
    """Only the one at its end does, when its deadline has passed."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 160, 0.0)
    send(ledger, item, range(5), 0.0)
    ledger.mark(item, 100, 0.0)
    send(ledger, item, range(5, 8), 0.0)
    ledger.end_item(item, 0.0)
    ledger.mark(item, 160, 0.0)

    ledger.expire(100.0 + MARK_DEADLINE_MS)
    assert ledger.counters.marks_lost == 1
    assert ledger.items == (item,)
    ledger.expire(160.0 + MARK_DEADLINE_MS - 1)
    assert ledger.items == (item,)
    ledger.expire(160.0 + MARK_DEADLINE_MS)
    assert ledger.items == ()


def test_an_item_that_ends_where_a_mark_was_lost_is_marked_again() -> None:
    """The model thinks for three seconds and then ends the item at 500 ms sharp: it is not stuck there."""
    ledger, item = playing(received_ms=500)
    send(ledger, item, range(8, 25), 340.0)
    ledger.mark(item, 500, 340.0)
    ledger.expire(680.0 + MARK_DEADLINE_MS)

    ledger.end_item(item, 3_000.0)
    ledger.end_response("r")

    assert end_mark_due(item)
    assert ledger.echo(ledger.mark(item, 500, 3_000.0), 0.0) is Echo.PLAYED
    assert ledger.audible_response == ""


def test_after_a_flush_nothing_of_before_is_left() -> None:
    """Neither a mark that is overdue, nor audio that still plays, nor a response."""
    ledger, item = playing()
    ledger.mark(item, 160, 0.0)

    ledger.flush(1, 50.0)
    new = ledger.receive("r", "b", 1_000, 50.0)
    send(ledger, new, range(1), 50.0)

    assert ledger.overdue_ms(10_000.0) == 0.0
    assert new.plays_until_ms == 70.0
    assert new.response is not item.response
    assert ledger.audible_response == "r"


def test_an_echo_confirms_what_ingress_has_not_yet_said() -> None:
    """No more than was sent since the last rewind."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)
    for index in range(8):
        ledger.sent(item, (index + 1) * 20, 0.0)
    names = [ledger.mark(item, ms, 0.0) for ms in (100, 160)]

    ledger.echo(names[0], 100.0)
    first = item.confirmed_ms
    ledger.rewind(item, 120)
    ledger.echo(names[1], 160.0)

    assert (first, item.confirmed_ms, item.acknowledged_ms) == (100, 120, 160)


def test_an_item_whose_end_comes_after_its_last_echo_is_finished_by_it() -> None:
    """The model says late that nothing more comes."""
    ledger, item = playing(received_ms=160)
    ledger.echo(ledger.mark(item, 160, 0.0), 160.0)
    before = ledger.items

    ledger.end_item(item, 500.0)

    assert (before, ledger.items) == ((item,), ())


def test_marks_belong_to_the_leg_on_which_they_were_sent() -> None:
    """Those of the old one will not come; what comes all the same proves nothing."""
    ledger, item = playing()
    old = ledger.mark(item, 100, 0.0)

    ledger.new_leg(2, 0.0)
    ledger.play_from(60.0)

    assert ledger.overdue_ms(10_000.0) == 0.0
    assert ledger.echo(old, 100.0) is Echo.STALE
    assert item.plays_until_ms == 60.0
    assert ledger.echo(ledger.mark(item, 100, 100.0), 100.0) is Echo.PLAYED


def test_what_an_owner_before_us_gave_to_the_socket_long_ago_was_heard() -> None:
    """Nothing of it still plays, unless it is said to."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)

    ledger.skipped(item, 400, 1_000.0)

    assert ledger.heard_ms(item, 1_000.0) == 400


def test_only_marks_are_missing_300_ms_after_the_last_frame_has_played() -> None:
    """Then Twilio has nothing left to throw away; before, it may have."""
    ledger, _ = playing(received_ms=160)

    waits = [ledger.only_waits_for_marks(160.0 + HEARD_OUT_MS + late) for late in (-0.1, 0.0)]

    assert waits == [False, True]


def test_an_item_of_a_millisecond_waits_for_its_mark_and_an_empty_one_for_its_audio() -> None:
    """The one is out and played; the other was only announced."""
    waits = []
    for received_ms in (1, 0):
        ledger = Ledger(leg=1, cut=0)
        item = ledger.receive("r", "a", received_ms, 0.0)
        send(ledger, item, range(received_ms), 0.0)
        waits.append(ledger.only_waits_for_marks(1_000.0))

    assert waits == [True, False]


def test_a_word_of_ingress_is_one_of_this_leg() -> None:
    """An echo of a cut that is over is one; of another leg, or of nobody, none."""
    ledger = Ledger(leg=2, cut=5)
    assert not ledger.was_open(1e9)
    for name in ("hold-clip", mark_name(1, 5, "a", 500), mark_name(5, 2, "a", 500)):
        assert ledger.echo(name, 1_000.0) is Echo.STALE
        assert not ledger.was_open(1e9)
    assert ledger.echo(mark_name(2, 4, "a", 500), 1_000.0) is Echo.STALE
    assert not ledger.was_open(1_000.0 + BROKEN_MOST_MS - 1)
    assert ledger.was_open(1_000.0 + BROKEN_MOST_MS)


def test_the_way_that_ingress_has_measured_is_known() -> None:
    """For a flush, and for whoever takes the call over."""
    ledger, _ = playing()
    assert ledger.way_ms == 0.0
    ledger.know_way(80.0)
    assert ledger.way_ms == 80.0


def test_without_a_word_of_ingress_the_clock_alone_settles() -> None:
    """Nothing is in doubt then."""
    ledger = Ledger(leg=1, cut=0)
    ledger.receive("r", "a", 1_000, 0.0)
    assert ledger.settled_ms("a", 500.0, None) == 0.0
