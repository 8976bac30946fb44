"""The ledger with literal times: what was heard, whatever is echoed, and when a response is audible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from egress.accounts import Cause, Item
from egress.ledger import MARK_DEADLINE_MS, QUIET_MS, Echo, Ledger


def send(ledger: Ledger, item: Item, frames: range, now_ms: float) -> None:
    """Sends the frames at one moment; ingress confirms them."""
    for index in frames:
        ledger.sent(item, (index + 1) * 20, now_ms)
    ledger.confirm(item, frames.stop * 20, now_ms)


def playing(received_ms: int = 1000, now_ms: float = 0.0) -> tuple[Ledger, Item]:
    """A ledger whose first item has its first eight frames out."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", received_ms, now_ms)
    send(ledger, item, range(8), now_ms)
    return ledger, item


def test_sent_audio_is_heard_in_real_time() -> None:
    """160 ms sent at once are heard 20 ms after 20 ms, and not beyond what was sent."""
    ledger, item = playing()

    heard = [ledger.heard_ms(item, now) for now in (0.0, 20.0, 100.0, 160.0, 500.0)]

    assert heard == [0, 20, 100, 160, 160]


def test_with_steady_sending_the_lead_is_not_heard() -> None:
    """Of what was sent, the lead is still to play."""
    ledger, item = playing()

    for index in range(8, 20):
        now = (index - 7) * 20.0
        send(ledger, item, range(index, index + 1), now)

    assert item.sent_ms == 400
    assert ledger.heard_ms(item, 240.0) == 240


def test_while_ingress_is_silent_only_confirmed_audio_is_heard() -> None:
    """What ingress never gave to the socket does not count once the clock stands."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1000, 0.0)
    for index in range(8):
        ledger.sent(item, (index + 1) * 20, 0.0)
    ledger.confirm(item, 60, 0.0)

    ledger.hold(0.0)
    held = ledger.heard_ms(item, 500.0)
    ledger.resume(500.0)

    assert held == 0
    assert ledger.settled_ms("a", 500.0, None) == 60
    assert ledger.heard_ms(item, 500.0) == 60


def test_what_nobody_confirmed_was_not_heard() -> None:
    """Frames may wait for an ingress that is late: until it says so, nothing of them plays."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1000, 0.0)
    for index in range(8):
        ledger.sent(item, (index + 1) * 20, 0.0)
    before = ledger.heard_ms(item, 90.0)

    ledger.confirm(item, 160, 100.0)

    assert before == 0
    assert [ledger.heard_ms(item, now) for now in (100.0, 130.0, 260.0, 400.0)] == [0, 30, 160, 160]


def test_a_confirmation_in_time_moves_nothing() -> None:
    """Frames that are to play later than now may well have been forwarded only now."""
    ledger, item = playing()
    for index in range(8, 12):
        ledger.sent(item, (index + 1) * 20, 80.0)

    ledger.confirm(item, 240, 159.0)

    assert ledger.heard_ms(item, 190.0) == 190


def test_an_echo_says_anew_how_far_the_ear_is_behind() -> None:
    """Late by 40 ms, then by 10: the clock goes by the last one; below what was proved it never falls."""
    ledger, item = playing(received_ms=4_000)
    for index in range(8, 100):
        ledger.sent(item, (index + 1) * 20, 0.0)
    ledger.confirm(item, 2_000, 0.0)
    late, in_time = (Ledger.mark(ledger, item, ms, 0.0) for ms in (500, 1_000))
    for mark, due_ms in zip(ledger._marks, (500.0, 1_000.0), strict=True):
        mark.plays_at_ms = due_ms

    ledger.echo(late, 540.0)
    after_late = [ledger.heard_ms(item, now) for now in (540.0, 900.0)]
    ledger.echo(in_time, 1_010.0)

    assert after_late == [500, 860]
    assert ledger.heard_ms(item, 1_200.0) == 1_190


def test_a_new_spurt_begins_with_what_the_last_echo_said() -> None:
    """The network is as far as it was; a confirmation that was late once is forgotten."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 4_000, 0.0)
    ledger.sent(item, 20, 0.0)
    ledger.confirm(item, 20, 300.0)
    name = ledger.mark(item, 20, 300.0)
    ledger.echo(name, 330.0)
    for index in range(1, 9):
        ledger.sent(item, (index + 1) * 20, 1_000.0)
    ledger.confirm(item, 180, 1_005.0)

    assert ledger.heard_ms(item, 1_100.0) == 20 + 100 - 30


def test_an_echo_after_a_stop_is_measured_by_the_clock_as_it_was_set() -> None:
    """160 ms reached Twilio at 1,000 only: an echo at 1,190 of what plays until 1,160 is 30 ms behind."""
    ledger, item = playing(received_ms=4_000)
    other = ledger.receive("r", "b", 4_000, 0.0)
    name = ledger.mark(item, 160, 0.0)
    ledger.mark(other, 20, 0.0)
    ledger.hold(0.0)
    ledger.resume(1_000.0, playing_ms=160.0)

    ledger.echo(name, 1_190.0)
    for index in range(8, 16):
        ledger.sent(item, (index + 1) * 20, 1_190.0)
    ledger.confirm(item, 320, 1_195.0)

    assert [mark.plays_at_ms for mark in ledger._marks] == [0.0]
    assert ledger.heard_ms(item, 1_290.0) == 160 + 100 - 30


def test_a_new_leg_knows_nothing_of_the_way_of_the_old_one() -> None:
    """Its first confirmation tells."""
    ledger, item = playing(received_ms=4_000)
    ledger.echo(ledger.mark(item, 160, 160.0), 400.0)
    ledger.new_leg(2)
    ledger.play_from(1_000.0)

    for index in range(8, 16):
        ledger.sent(item, (index + 1) * 20, 1_000.0)
    ledger.confirm(item, 320, 1_010.0)

    assert ledger.heard_ms(item, 1_100.0) == 160 + 90


def test_a_second_item_waits_for_the_first() -> None:
    """An item sent while another plays begins when that one is over."""
    ledger, first = playing(received_ms=160)
    second = ledger.receive("r", "b", 1000, 0.0)
    send(ledger, second, range(2), 0.0)

    assert ledger.heard_ms(first, 160.0) == 160
    assert ledger.heard_ms(second, 160.0) == 0
    assert ledger.heard_ms(second, 190.0) == 30


def test_an_echo_proves_more_than_the_clock() -> None:
    """A mark that comes back early is believed; one for audio that was not sent is not."""
    ledger, item = playing()
    name = ledger.mark(item, 100, 0.0)

    verdicts = [ledger.echo(name, 0.0), ledger.echo(name, 0.0), ledger.echo("1.0.a.500", 0.0)]

    assert verdicts == [Echo.PLAYED, Echo.DUPLICATED, Echo.STALE]
    assert ledger.heard_ms(item, 0.0) == 100


def test_echoes_of_another_leg_or_cut_prove_nothing() -> None:
    """Only a mark of the current leg and cut counts; foreign names are stale too."""
    ledger, item = playing()

    verdicts = {ledger.echo(name, 0.0) for name in ("2.0.a.100", "1.1.a.100", "1.0.x.100", "hold-clip", "")}

    assert verdicts == {Echo.STALE}
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
    assert (change.kind, change.heard_ms, change.cause) == ("silent", 90, Cause.FLUSHED)
    assert ledger.echo("1.0.a.100", 0.0) is Echo.STALE
    assert item.highest_ms == 90


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
    assert [change.kind for change in ledger.take_changes()] == ["audible", "heard", "silent"]


def test_a_response_with_more_to_come_stays_audible() -> None:
    """Its first item is heard to the end, but the response is not over."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.echo(ledger.mark(item, 160, 0.0), 0.0)
    between = ledger.audible_response

    ledger.end_response("r")

    assert between == "r"
    assert ledger.audible_response == ""


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


def test_an_overdue_mark_shows_how_late_it_is() -> None:
    """The age of the oldest mark beyond the time at which its audio should have played."""
    ledger, item = playing()
    ledger.mark(item, 160, 0.0)

    ages = [ledger.overdue_ms(now) for now in (100.0, 160.0, 700.0)]

    assert ages == [0, 0, 540]


def test_a_response_whose_end_never_comes_falls_silent() -> None:
    """All of it was heard and nothing came for three seconds."""
    ledger, _ = playing(received_ms=160)

    ledger.expire(160.0 + QUIET_MS - 1)
    before = ledger.audible_response
    ledger.expire(160.0 + QUIET_MS)

    assert before == "r"
    assert ledger.audible_response == ""
    assert [change.cause for change in ledger.take_changes()] == [None, Cause.PLAYED]


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


def test_settled_is_last_forwarded_minus_lead() -> None:
    """What may be asked for again reaches back to where ingress was last known to be alive."""
    ledger, item = playing()

    settled = ledger.settled_ms("a", 160.0, unconfirmed_since_ms=20.0)

    assert settled == 20
    assert ledger.settled_ms("a", 160.0, None) == 160
    assert ledger.settled_ms("unknown", 160.0, None) == float("inf")
    assert item.sent_ms == 160


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
        if ledger.mark_due(item, (index + 1) * 20):
            ledger.mark(item, (index + 1) * 20, 0.0)
    other = ledger.receive("r", "b", 1_000, 0.0)
    ledger.mark(other, 20, 0.0)
    ledger.confirm(item, 600, 0.0)

    ledger.rewind(item, 400)

    assert (item.cursor_ms, item.confirmed_ms, item.sent_ms, item.marked_ms) == (400, 400, 800, -1)
    assert item.plays_until_ms == 400.0
    assert ledger.heard_ms(item, 100.0) == 100.0
    ledger.sent(item, 420, 100.0)
    assert item.plays_until_ms == 420.0
    assert [mark.item.item_id for mark in ledger._marks] == ["b"]
    assert ledger.mark_due(item, 500)


def test_a_rewind_to_where_we_stand_changes_nothing() -> None:
    """And one beyond it sends nothing twice."""
    ledger, item = playing()
    ledger.mark(item, 160, 0.0)

    for to_ms in (160, 300):
        ledger.rewind(item, to_ms)

    assert (item.cursor_ms, item.plays_until_ms) == (160, 160.0)
    assert len(ledger._marks) == 1


def test_an_unanswered_mark_is_sent_again_after_a_rewind_behind_it() -> None:
    """It may have gone down with the socket; one that came back is not asked for again."""
    ledger, item = playing(received_ms=1_000)
    name = ledger.mark(item, 100, 0.0)
    ledger.rewind(item, 140)
    unanswered = item.marked_ms
    item.marked_ms = 100
    assert ledger.echo(name, 0.0) is Echo.PLAYED

    ledger.rewind(item, 140)

    assert (unanswered, item.marked_ms) == (-1, 100)


def test_after_a_stop_the_clock_and_the_marks_wait_anew() -> None:
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
    assert ledger._marks[0].deadline_ms == 5_040.0 + MARK_DEADLINE_MS
    assert ledger.heard_ms(second, 5_010.0) == 60.0 - 30.0


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
        ("audible", "r", "a", 0, None),
        ("heard", "r", "a", 160, None),
        ("heard", "r", "b", 40, None),
        ("silent", "r", "b", 40, Cause.PLAYED),
    ]
    assert ledger.items == ()
    assert not ledger.has_changes


def test_counters_count_each_mark_and_echo() -> None:
    """One each: sent, lost, played, twice, stale."""
    ledger, item = playing()
    names = [ledger.mark(item, ms, 0.0) for ms in (20, 40, 60)]
    for name in (names[1], names[1], names[0], "nonsense", "9.9.a.20", "1.0.a.9999", names[2]):
        ledger.echo(name, 0.0)
    ledger.mark(item, 80, 0.0)
    ledger.mark(item, 100, 0.0)
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
        ("silent", "r", "a", 100, Cause.FLUSHED),
        ("silent", "r2", "b", 0, Cause.FLUSHED),
    ]


def test_marks_stand_where_half_seconds_end_and_at_the_end_of_an_item() -> None:
    """Not beyond what was received, not twice, and none for an item without audio."""
    ledger, item = playing(received_ms=500)

    assert [ms for ms in range(0, 1_020, 20) if ledger.mark_due(item, ms)] == [0, 500]
    assert not ledger.end_mark_due(item)
    item.ended = True
    assert ledger.end_mark_due(item)
    ledger.mark(item, 500, 0.0)
    assert not ledger.end_mark_due(item)
    assert not ledger.mark_due(item, 500)
    empty = ledger.receive("r", "b", 0, 0.0)
    empty.ended = True
    assert not ledger.end_mark_due(empty)


def test_what_an_owner_before_us_gave_to_the_socket_plays_for_so_long() -> None:
    """Skipped audio was sent and confirmed; `playing_ms` of it is still to be heard."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)

    ledger.skipped(item, 400, 1_000.0, playing_ms=100.0)

    assert (item.cursor_ms, item.confirmed_ms, item.sent_ms) == (400, 400, 400)
    assert item.plays_until_ms == 1_100.0
    assert [ledger.heard_ms(item, now) for now in (1_000.0, 1_050.0, 1_200.0)] == [300.0, 350.0, 400.0]
    assert ledger.audible_response == "r"


def test_nothing_is_settled_before_the_beginning_and_all_of_what_is_unknown() -> None:
    """Zero at least; infinite for an item that is not known (any more)."""
    ledger, _ = playing()

    assert ledger.settled_ms("a", 0.0, 0.0) == 0.0
    assert ledger.settled_ms("nobody", 0.0, None) == float("inf")
    assert ledger.overdue_ms(10_000.0) == 0.0


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
    ledger, item = playing(received_ms=160)
    ledger.mark(item, 100, 0.0)
    ledger.end_item(item, 0.0)
    ledger.mark(item, 160, 0.0)

    ledger.expire(160.0 + MARK_DEADLINE_MS - 1)
    assert ledger.items == (item,)
    ledger._marks[0].deadline_ms = 0.0
    ledger.expire(1.0)
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

    assert ledger.end_mark_due(item)
    assert ledger.echo(ledger.mark(item, 500, 3_000.0), 0.0) is Echo.PLAYED
    assert ledger.audible_response == ""


def test_what_waits_for_a_mark_is_not_taken_for_quiet() -> None:
    """An item that is out and ended ends by its mark; one that waits for more audio by the clock."""
    ended, open_ = playing(received_ms=160), playing(received_ms=160)
    behind = playing(received_ms=400)
    ended[0].end_item(ended[1], 0.0)

    quiet = [pair[0]._quiet_at(pair[1].response) for pair in (ended, open_, behind)]

    assert quiet == [float("inf"), 160.0 + QUIET_MS, float("inf")]


def test_what_lacks_one_frame_of_what_came_waits_for_it() -> None:
    """It will be sent, so the response is not quiet; less than a frame is not sent before the item ends."""
    whole, less = playing(received_ms=180), playing(received_ms=179)

    assert whole[0]._quiet_at(whole[1].response) == float("inf")
    assert less[0]._quiet_at(less[1].response) == 160.0 + QUIET_MS


def test_an_item_without_audio_is_not_said_to_be_heard() -> None:
    """One of a millisecond is, and its end is marked."""
    ledger = Ledger(leg=1, cut=0)
    empty, short = ledger.receive("r", "a", 0, 0.0), ledger.receive("r", "b", 1, 0.0)
    send(ledger, short, range(1), 0.0)
    ledger.take_changes()

    ledger.end_item(empty, 0.0)
    ledger.end_item(short, 0.0)

    assert ledger.end_mark_due(short)
    ledger.echo(ledger.mark(short, 1, 0.0), 0.0)
    assert [(change.kind, change.item_id) for change in ledger.take_changes()] == [("heard", "b")]


def test_a_response_that_is_over_is_forgotten() -> None:
    """A call of hours has hundreds of them."""
    ledger, item = playing(received_ms=160)
    ledger.end_item(item, 0.0)
    ledger.end_response("r")
    ledger.echo(ledger.mark(item, 160, 0.0), 0.0)

    assert ledger._responses == {}


def test_the_padding_of_the_last_frame_is_not_heard() -> None:
    """150 ms in eight frames are 150 ms."""
    ledger, item = playing(received_ms=150)

    assert ledger.heard_ms(item, 500.0) == 150


def test_a_mark_that_came_back_is_not_sent_again_after_a_rewind_to_it() -> None:
    """It stands at the very place from which audio is sent again."""
    ledger, item = playing()
    ledger.echo(ledger.mark(item, 140, 0.0), 0.0)

    ledger.rewind(item, 140)

    assert item.marked_ms == 140


def test_after_a_rewind_the_next_frame_plays_behind_what_is_left() -> None:
    """160 ms were on their way and 60 are taken back: the frame after them ends at 120."""
    ledger, item = playing()

    ledger.rewind(item, 100)
    ledger.sent(item, 120, 0.0)

    assert item.plays_until_ms == 120.0


def test_while_the_clock_stands_nothing_more_is_settled() -> None:
    """What ingress confirmed after that may be asked for again."""
    ledger, _ = playing()
    ledger.hold(50.0)

    assert ledger.settled_ms("a", 10_000.0, None) == 50


def test_what_was_skipped_long_ago_plays_no_more() -> None:
    """Given to the socket before, and nothing of it now."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)

    ledger.skipped(item, 400, 1_000.0)

    assert ledger.heard_ms(item, 1_000.0) == 400


def test_a_rewind_finds_no_mark_where_the_last_one_was_lost() -> None:
    """Given up after its deadline; then the socket breaks and audio is sent again."""
    ledger, item = playing()
    ledger.mark(item, 160, 0.0)
    ledger.expire(160.0 + MARK_DEADLINE_MS)

    ledger.rewind(item, 100)

    assert (item.cursor_ms, item.marked_ms) == (100, -1)


def test_an_early_echo_and_a_new_leg_leave_the_clock_where_it_is() -> None:
    """Neither says that the ear is behind it."""
    early, renewed = playing(), playing()
    early[0].echo(early[0].mark(early[1], 20, 0.0), 20.0)
    renewed[0].new_leg(2)

    assert [ledger.heard_ms(item, 100.0) for ledger, item in (early, renewed)] == [100, 100]


def test_a_confirmation_that_comes_twice_says_nothing_new() -> None:
    """The first one was in time; the second does not set the clock back."""
    ledger, item = playing()

    ledger.confirm(item, 160, 500.0)

    assert ledger.heard_ms(item, 100.0) == 100


def test_what_the_ear_is_behind_is_not_settled() -> None:
    """Confirmed 50 ms after it could have begun to play: at 100 ms at most 50 were heard."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)
    for index in range(8):
        ledger.sent(item, (index + 1) * 20, 0.0)
    ledger.confirm(item, 160, 50.0)

    assert ledger.settled_ms("a", 100.0, None) == 50


def test_a_frame_at_the_very_end_of_the_last_one_begins_a_spurt() -> None:
    """What a late confirmation said of the one before is over."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)
    ledger.sent(item, 20, 0.0)
    ledger.confirm(item, 20, 15.0)

    ledger.sent(item, 40, 20.0)
    ledger.confirm(item, 40, 20.0)

    assert ledger.heard_ms(item, 40.0) == 40


def test_after_a_stop_the_clock_is_where_the_ear_was() -> None:
    """An echo said 30 ms behind, a confirmation 100: what still plays ends 70 ms later by the clock."""
    ledger = Ledger(leg=1, cut=0)
    item = ledger.receive("r", "a", 1_000, 0.0)
    ledger.sent(item, 20, 0.0)
    ledger.echo(ledger.mark(item, 20, 0.0), 50.0)
    for index in range(1, 8):
        ledger.sent(item, (index + 1) * 20, 50.0)
    ledger.confirm(item, 160, 150.0)
    assert item.plays_until_ms == 190.0
    ledger.hold(160.0)

    ledger.resume(170.0)

    assert item.plays_until_ms == 260.0


def test_after_a_long_stop_all_that_was_confirmed_has_played() -> None:
    """None of it is only now at Twilio."""
    ledger, item = playing()
    ledger.hold(50.0)

    ledger.resume(1_000.0)

    assert ledger.heard_ms(item, 1_000.0) == 160
