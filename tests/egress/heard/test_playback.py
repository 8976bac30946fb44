"""The playback clock with literal times: what the ear has come to, never more than was heard."""

from __future__ import annotations

from egress.heard.accounts import PlayedItem, PlayedResponse
from egress.heard.playback import Playback


def an_item(item_id: str = "a", received_ms: int = 1_000) -> PlayedItem:
    return PlayedItem(item_id, PlayedResponse("r"), received_ms=received_ms)


def send(playback: Playback, item: PlayedItem, frames: range, now_ms: float) -> None:
    """Sends the frames at one moment; ingress confirms them."""
    for index in frames:
        playback.sent(item, (index + 1) * 20, now_ms)
    playback.confirm(item, frames.stop * 20, now_ms)


def playing(received_ms: int = 1_000) -> tuple[Playback, PlayedItem]:
    """A clock and an item whose first eight frames are out."""
    playback, item = Playback(), an_item(received_ms=received_ms)
    send(playback, item, range(8), 0.0)
    return playback, item


def test_sent_audio_is_heard_in_real_time() -> None:
    """160 ms sent at once are heard 20 ms after 20 ms, and not beyond what was sent."""
    playback, item = playing()

    heard = [playback.heard_ms(item, now) for now in (0.0, 20.0, 100.0, 160.0, 500.0)]

    assert heard == [0, 20, 100, 160, 160]


def test_with_steady_sending_the_lead_is_not_heard() -> None:
    """Of what was sent, the lead is still to play."""
    playback, item = playing()

    for index in range(8, 20):
        send(playback, item, range(index, index + 1), (index - 7) * 20.0)

    assert item.sent_ms == 400
    assert playback.heard_ms(item, 240.0) == 240


def test_a_group_plays_as_its_frames_would_one_by_one() -> None:
    """Two and a group of three, in silence and behind what plays."""
    singly, grouped = Playback(), Playback()
    one, other = an_item(), an_item()
    for now_ms in (0.0, 50.0, 1_000.0):
        for _ in range(3):
            singly.sent(one, one.cursor_ms + 20, now_ms)
        grouped.sent(other, other.cursor_ms + 60, now_ms, 3)
        singly.confirm(one, one.cursor_ms, now_ms + 15)
        grouped.confirm(other, other.cursor_ms, now_ms + 15)
        asked_ms = [now_ms + after for after in (15.0, 20.0, 33.0, 50.0)]
        assert [singly.heard_ms(one, at) for at in asked_ms] == [
            grouped.heard_ms(other, at) for at in asked_ms
        ]

    assert (one.cursor_ms, one.sent_ms, one.plays_until_ms) == (180, 180, 1_060.0)
    assert (other.cursor_ms, other.sent_ms, other.plays_until_ms) == (180, 180, 1_060.0)


def test_a_second_item_waits_for_the_first() -> None:
    """An item sent while another plays begins when that one is over."""
    playback, first = playing(received_ms=160)
    second = an_item("b")
    send(playback, second, range(2), 0.0)

    assert playback.heard_ms(first, 160.0) == 160
    assert playback.heard_ms(second, 160.0) == 0
    assert playback.heard_ms(second, 190.0) == 30


def test_the_padding_of_the_last_frame_is_not_heard() -> None:
    """150 ms in eight frames are 150 ms."""
    playback, item = playing(received_ms=150)

    assert playback.heard_ms(item, 500.0) == 150


# What ingress confirms.


def test_what_nobody_confirmed_was_not_heard() -> None:
    """Frames may wait for an ingress that is late: until it says so, nothing of them plays."""
    playback, item = Playback(), an_item()
    for index in range(8):
        playback.sent(item, (index + 1) * 20, 0.0)
    before = playback.heard_ms(item, 90.0)

    playback.confirm(item, 160, 100.0)

    assert before == 0
    assert [playback.heard_ms(item, now) for now in (100.0, 130.0, 260.0, 400.0)] == [0, 30, 160, 160]


def test_a_confirmation_in_time_moves_nothing() -> None:
    """Frames that are to play later than now may well have been forwarded only now."""
    playback, item = playing()
    for index in range(8, 12):
        playback.sent(item, (index + 1) * 20, 80.0)

    playback.confirm(item, 240, 159.0)

    assert playback.heard_ms(item, 190.0) == 190


def test_a_confirmation_that_comes_twice_says_nothing_new() -> None:
    """The first one was in time; the second does not set the clock back."""
    playback, item = playing()

    playback.confirm(item, 160, 500.0)

    assert playback.heard_ms(item, 100.0) == 100


def test_a_frame_at_the_very_end_of_the_last_one_begins_a_spurt() -> None:
    """What a late confirmation said of the one before is over."""
    playback, item = Playback(), an_item()
    playback.sent(item, 20, 0.0)
    playback.confirm(item, 20, 15.0)

    playback.sent(item, 40, 20.0)
    playback.confirm(item, 40, 20.0)

    assert playback.heard_ms(item, 40.0) == 40


# What echoes say of the ear.


def test_an_echo_says_again_how_far_the_ear_is_behind() -> None:
    """Late by 40 ms, then by 10: the clock goes by the last one."""
    playback, item = playing(received_ms=4_000)
    for index in range(8, 100):
        playback.sent(item, (index + 1) * 20, 0.0)
    playback.confirm(item, 2_000, 0.0)

    playback.echoed(500.0, 540.0)
    after_late = [playback.heard_ms(item, now) for now in (540.0, 900.0)]
    playback.echoed(1_000.0, 1_010.0)

    assert after_late == [500, 860]
    assert playback.heard_ms(item, 1_200.0) == 1_190


def test_an_early_echo_leaves_the_clock_where_it_is() -> None:
    """It does not say that the ear is ahead of it."""
    playback, item = playing()

    playback.echoed(160.0, 20.0)

    assert playback.heard_ms(item, 100.0) == 100


def test_a_new_spurt_begins_with_what_the_last_echo_said() -> None:
    """The network is as far as it was; a confirmation that was late once is forgotten."""
    playback, item = Playback(), an_item(received_ms=4_000)
    playback.sent(item, 20, 0.0)
    playback.confirm(item, 20, 300.0)
    playback.echoed(300.0, 330.0)
    for index in range(1, 9):
        playback.sent(item, (index + 1) * 20, 1_000.0)
    playback.confirm(item, 180, 1_005.0)

    assert playback.heard_ms(item, 1_100.0) == 20 + 100 - 30


def test_a_new_leg_knows_nothing_of_the_way_of_the_old_one() -> None:
    """Its first confirmation tells; without one the clock is where it is."""
    fresh, first = playing()
    fresh.forget_way()
    assert fresh.heard_ms(first, 100.0) == 100
    playback, item = playing(received_ms=4_000)
    playback.echoed(160.0, 400.0)
    playback.forget_way()
    playback.play_from([item], 1_000.0)
    assert playback.heard_ms(item, 1_000.0) == 160

    for index in range(8, 16):
        playback.sent(item, (index + 1) * 20, 1_000.0)
    playback.confirm(item, 320, 1_010.0)

    assert playback.heard_ms(item, 1_100.0) == 160 + 90


# What has played.


def test_all_has_played_when_the_ear_has_come_to_its_end() -> None:
    """Not when the clock has: an echo said that the ear is 40 ms behind it."""
    playback, _ = playing()
    at_the_end = [playback.is_over(at_ms) for at_ms in (159.9, 160.0)]

    playback.echoed(100.0, 140.0)

    assert at_the_end == [False, True]
    assert [playback.is_over(at_ms) for at_ms in (160.0, 199.9, 200.0)] == [False, False, True]


def test_while_the_clock_stands_nothing_is_known_to_have_played() -> None:
    """However long ago it was sent."""
    playback, item = playing()

    playback.hold([item], 50.0)

    assert not playback.is_over(10_000.0)


# What is settled.


def test_settled_is_last_forwarded_minus_lead() -> None:
    """What may be asked for again reaches back to where ingress was last known to be alive."""
    playback, item = playing()

    assert playback.settled_ms(item, 160.0, 20.0) == 20
    assert playback.settled_ms(item, 160.0, None) == 160
    assert item.sent_ms == 160


def test_nothing_is_settled_before_the_beginning() -> None:
    """Zero at least."""
    playback, item = playing()

    assert playback.settled_ms(item, 0.0, -50.0) == 0.0


def test_what_the_ear_is_behind_is_not_settled() -> None:
    """Confirmed 50 ms after it could have begun to play: at 100 ms at most 50 were heard."""
    playback, item = Playback(), an_item()
    for index in range(8):
        playback.sent(item, (index + 1) * 20, 0.0)
    playback.confirm(item, 160, 50.0)

    assert playback.settled_ms(item, 100.0, None) == 50


def test_while_the_clock_stands_nothing_more_is_settled() -> None:
    """What ingress confirmed after that may be asked for again."""
    playback, item = playing()

    playback.hold([item], 50.0)

    assert playback.settled_ms(item, 10_000.0, None) == 50


# Stops.


def test_while_ingress_is_silent_only_confirmed_audio_is_heard() -> None:
    """What ingress never gave to the socket does not count once the clock stands."""
    playback, item = Playback(), an_item()
    for index in range(8):
        playback.sent(item, (index + 1) * 20, 0.0)
    playback.confirm(item, 60, 0.0)

    playback.hold([item], 0.0)
    held = playback.heard_ms(item, 500.0)
    playback.resume([item], 500.0, 0.0)

    assert held == 0
    assert playback.settled_ms(item, 500.0, None) == 60
    assert playback.heard_ms(item, 500.0) == 60


def test_a_clock_that_stands_is_not_stopped_once_more() -> None:
    """It stands where it stood, and runs again from there."""
    playback, item = playing()

    playback.hold([item], 50.0)
    playback.hold([item], 90.0)
    assert playback.is_held
    held = playback.heard_ms(item, 10_000.0)
    playback.resume([item], 10_000.0, 110.0)

    assert held == 50
    assert not playback.is_held
    assert playback.heard_ms(item, 10_060.0) == 110


def test_after_a_stop_what_was_not_heard_out_plays_later() -> None:
    """40 ms reached Twilio only now; an item that was heard out is not said to play."""
    playback, first = playing(received_ms=160)
    second = an_item("b")
    send(playback, second, range(3), 0.0)
    assert (playback.heard_ms(first, 170.0), playback.heard_ms(second, 170.0)) == (160, 10)
    playback.hold([first, second], 170.0)

    later = playback.resume([first, second], 5_000.0, 40.0)

    assert later == [(second, 5_040.0 - 220.0)]
    assert (first.plays_until_ms, second.plays_until_ms) == (160.0, 5_040.0)
    assert playback.heard_ms(second, 5_010.0) == 60.0 - 30.0


def test_after_a_stop_the_clock_is_where_the_ear_was() -> None:
    """An echo said 30 ms behind, a confirmation 100: what still plays ends 70 ms later by the clock."""
    playback, item = Playback(), an_item()
    playback.sent(item, 20, 0.0)
    playback.confirm(item, 20, 20.0)
    playback.echoed(20.0, 50.0)
    for index in range(1, 8):
        playback.sent(item, (index + 1) * 20, 50.0)
    playback.confirm(item, 160, 150.0)
    assert item.plays_until_ms == 190.0
    playback.hold([item], 160.0)

    playback.resume([item], 170.0, 0.0)

    assert item.plays_until_ms == 260.0
    assert playback.heard_ms(item, 230.0 + 30.0) == 160 - 30


def test_after_a_long_stop_all_that_was_confirmed_has_played() -> None:
    """None of it is only now at Twilio."""
    playback, item = playing()
    playback.hold([item], 50.0)

    playback.resume([item], 1_000.0, 0.0)

    assert playback.heard_ms(item, 1_000.0) == 160


def test_on_a_fresh_socket_the_clock_runs_from_now() -> None:
    """What was sent before plays no more, and the next frame at once."""
    playback, item = playing()
    other = an_item("b")
    playback.hold([item], 50.0)

    playback.play_from([item], 60.0)
    plays_until_ms = item.plays_until_ms
    playback.sent(other, 20, 60.0)

    assert not playback.is_held
    assert (plays_until_ms, other.plays_until_ms) == (60.0, 80.0)


# Rewinds, skips, flushes.


def test_a_rewind_takes_back_what_was_sent_behind_it() -> None:
    """Cursor, clock and confirmation; what was sent stays sent."""
    playback, item = playing(received_ms=2_000)
    for index in range(8, 40):
        playback.sent(item, (index + 1) * 20, 0.0)
    playback.confirm(item, 600, 0.0)

    playback.rewind(item, 400)

    assert (item.cursor_ms, item.confirmed_ms, item.sent_ms) == (400, 400, 800)
    assert item.plays_until_ms == 400.0
    assert playback.heard_ms(item, 100.0) == 100.0
    playback.sent(item, 420, 100.0)
    assert item.plays_until_ms == 420.0


def test_a_rewind_to_where_we_stand_changes_nothing() -> None:
    """And one beyond it sends nothing twice."""
    playback, item = playing()

    for to_ms in (160, 300):
        playback.rewind(item, to_ms)

    assert (item.cursor_ms, item.plays_until_ms) == (160, 160.0)


def test_after_a_rewind_the_next_frame_plays_behind_what_is_left() -> None:
    """160 ms were on their way and 60 are taken back: the frame after them ends at 120."""
    playback, item = playing()

    playback.rewind(item, 100)
    playback.sent(item, 120, 0.0)

    assert item.plays_until_ms == 120.0


def test_what_an_owner_before_us_gave_to_the_socket_is_still_to_be_heard() -> None:
    """Skipped audio was sent and confirmed; 100 ms of it play from now on."""
    playback, item = Playback(), an_item()

    playback.skipped(item, 400, 1_000.0, 100.0)

    assert (item.cursor_ms, item.confirmed_ms, item.sent_ms) == (400, 400, 400)
    assert item.plays_until_ms == 1_100.0
    assert [playback.heard_ms(item, now) for now in (1_000.0, 1_050.0, 1_200.0)] == [300, 350, 400]


def test_what_was_skipped_long_ago_plays_no_more() -> None:
    """Given to the socket before, and nothing of it now."""
    playback, item = Playback(), an_item()

    playback.skipped(item, 400, 1_000.0, 0.0)

    assert playback.heard_ms(item, 1_000.0) == 400


def test_after_a_flush_the_next_frame_plays_at_once() -> None:
    """What was under way does not play any more."""
    playback, _ = playing()
    other = an_item("b")

    playback.flush(50.0)
    playback.sent(other, 20, 50.0)

    assert other.plays_until_ms == 70.0


def test_what_another_has_sent_plays_until_ingress_says() -> None:
    """Two frames of one item and one of the next, the last of which ends in 50 ms."""
    playback, first, second = Playback(), an_item("a"), an_item("b")
    playback.given(first, 40, 1_030.0)
    playback.given(second, 20, 1_050.0)

    assert [playback.heard_ms(first, now) for now in (1_000.0, 1_010.0, 1_030.0)] == [10, 20, 40]
    assert [playback.heard_ms(second, now) for now in (1_030.0, 1_040.0, 1_060.0)] == [0, 10, 20]
    playback.sent(second, 40, 1_040.0)
    assert second.plays_until_ms == 1_070.0


def test_the_way_to_the_ear_is_known_from_another() -> None:
    """What echoes told it is taken off what was heard, until our own say otherwise."""
    playback, item = Playback(), an_item("a")
    playback.know_behind(15.0)
    playback.given(item, 40, 1_040.0)

    assert playback.heard_ms(item, 1_040.0) == 25
    assert playback.echo_behind_ms == 15.0


def over_a_network(echo_jitters_ms: list[float], *, one_way_ms: float = 100.0) -> tuple[Playback, PlayedItem]:
    """An item that plays at Twilio since `one_way_ms`, whose marks of each 500 ms came back over a way of the
    same length, each later by its jitter."""
    playback, item = Playback(), an_item(received_ms=10_000)
    send(playback, item, range(500), 0.0)
    playback.know_way(2 * one_way_ms)
    for number, jitter_ms in enumerate(echo_jitters_ms, start=1):
        playback.echoed(number * 500.0, number * 500.0 + 2 * one_way_ms + jitter_ms)
    return playback, item


def test_a_clear_takes_the_way_that_the_audio_took() -> None:
    """At Twilio all is heard 100 ms later than it was sent, but the clear arrives 100 ms later as well."""
    playback, item = over_a_network([0.0])

    assert playback.heard_ms(item, 900.0) == 700, "what has been heard for certain"
    assert playback.heard_by_clear_ms(item, 900.0) == 900
    assert playback.heard_ms(item, 900.0) == 900, "never less than was said before"


def test_an_ear_that_has_fallen_behind_has_no_network_to_blame() -> None:
    """60 ms more than the round trip: a hole, or a buffer, that a clear does not make up for."""
    playback, item = over_a_network([60.0])

    assert playback.heard_by_clear_ms(item, 900.0) == 840


def test_what_came_late_to_the_socket_did_so_over_any_network() -> None:
    """No echo has come; 70 ms after it was sent the first frame was given to Twilio."""
    playback, item = Playback(), an_item(received_ms=10_000)
    playback.know_way(200.0)
    for index in range(100):
        playback.sent(item, (index + 1) * 20, 0.0)
    playback.confirm(item, 2_000, 70.0)

    assert playback.heard_by_clear_ms(item, 300.0) == 230


def test_a_new_talk_spurt_begins_with_what_the_last_one_was_like() -> None:
    """Its own first frame had its own luck: each of its echoes counts for more than those before."""
    playback, item = over_a_network([0.0, 0.0, 0.0, 0.0, 0.0])
    for index in range(500, 1_000):
        playback.sent(item, (index + 1) * 20, 20_000.0)
    item.received_ms = 20_000
    playback.confirm(item, 20_000, 20_000.0)
    assert playback.heard_by_clear_ms(item, 20_300.0) == 10_300

    playback.echoed(20_500.0, 20_730.0)
    assert playback.heard_by_clear_ms(item, 20_800.0) == 10_785


def test_an_ear_that_has_fallen_behind_much_is_believed_at_once() -> None:
    """By the last echo, but for the jitter that it may have."""
    playback, item = over_a_network([0.0, 0.0, 0.0, 140.0])

    assert playback.heard_by_clear_ms(item, 2_500.0) == 2_400


def test_no_clear_brings_back_what_has_not_been_sent() -> None:
    """A way that is longer than the ear is behind, as it seems: at most the clock."""
    playback, item = over_a_network([0.0])
    playback.know_way(500.0)

    assert playback.heard_by_clear_ms(item, 900.0) == 900


def test_the_jitter_of_one_echo_is_not_the_ears() -> None:
    """The middle of the last five counts."""
    playback, item = over_a_network([10.0, 0.0, 28.0, 30.0, 15.0])

    assert playback.heard_by_clear_ms(item, 2_710.0) == 2_695


def test_without_a_socket_nothing_is_heard_on() -> None:
    """No clear arrives there."""
    playback, item = over_a_network([0.0])
    playback.hold([item], 900.0)

    assert playback.heard_by_clear_ms(item, 1_500.0) == 700


def test_a_new_leg_has_a_way_of_its_own() -> None:
    """Neither the echoes nor the round trip of the old one are known of it."""
    playback, item = over_a_network([0.0, 0.0])
    playback.forget_way()
    playback.echoed(1_500.0, 1_520.0)

    assert playback.heard_by_clear_ms(item, 1_800.0) == 1_780
