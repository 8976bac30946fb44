"""The audio of one call that is held: what goes next, what goes again, and how far `reply` may be trimmed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from egress.heard.accounts import PlayedItem, PlayedResponse
from egress.reply.backlog import FINISHED_ITEMS, Backlog, Base, Stretch

NOTHING, ALL = 0.0, float("inf")


def an_item(item_id: str = "a") -> PlayedItem:
    return PlayedItem(item_id, PlayedResponse("r"))


def holding(frames: int, item_id: str = "a", *, next_n: int = 1) -> tuple[Backlog, Stretch]:
    """A backlog with one item of so many frames, an entry for each two, whose end is known."""
    backlog = Backlog(next_n)
    stretch = add(backlog, frames, item_id)
    return backlog, stretch


def add(backlog: Backlog, frames: int, item_id: str, first_entry: int = 1) -> Stretch:
    stretch = backlog.open(an_item(item_id), 0)
    audio = b"x" * 160 * frames
    for index, at in enumerate(range(0, len(audio), 320)):
        backlog.feed(stretch, f"{first_entry + index}-0", at, audio[at : at + 320])
    backlog.close(stretch, ends_item=True)
    return stretch


def send(backlog: Backlog, count: int) -> list[int]:
    """Sends frames; returns their numbers."""
    numbers = []
    for _ in range(count):
        stretch = backlog.next_stretch()
        assert stretch is not None
        numbers.append(backlog.advance(stretch)[0])
    return numbers


def test_frames_go_in_the_order_of_the_reply_with_rising_numbers() -> None:
    """Over the border of two items."""
    backlog, first = holding(2, next_n=11)
    second = add(backlog, 3, "b", 5)

    numbers = send(backlog, 4)

    assert numbers == [11, 12, 13, 14]
    assert (first.unsent, second.unsent, backlog.unsent) == (0, 1, 1)
    assert (first.is_out, second.is_out) == (True, False)
    assert backlog.unsent_ms == 20


def test_an_item_too_short_for_a_millisecond_is_never_sent() -> None:
    """Seven bytes make no frame."""
    backlog = Backlog(1)
    stretch = backlog.open(an_item(), 0)
    backlog.feed(stretch, "1-0", 0, b"1234567")

    backlog.close(stretch, ends_item=True)

    assert backlog.unsent == 0
    assert backlog.next_stretch() is None


def test_the_newest_stretch_of_an_item_is_found() -> None:
    """After a gap there are two."""
    backlog, _ = holding(2)
    second = backlog.open(an_item(), 800)

    assert backlog.find("a") is second is backlog.last
    assert backlog.find("b") is None


def test_the_entry_of_the_next_frame_is_known() -> None:
    """Its age is how long audio waits."""
    backlog, _ = holding(4)

    before = backlog.oldest_unsent_id()
    send(backlog, 2)
    after = backlog.oldest_unsent_id()
    send(backlog, 2)

    assert (before, after, backlog.oldest_unsent_id()) == ("1-0", "2-0", "")


# What ingress confirms.


def test_a_confirmation_reaches_over_items() -> None:
    """Each with the end of its last confirmed frame, once."""
    backlog, first = holding(2)
    second = add(backlog, 3, "b", 5)
    send(backlog, 5)

    reached = backlog.confirm(3)
    rest = backlog.confirm(5)

    assert [(item.item_id, end_ms, count) for item, end_ms, count in reached] == [("a", 40, 2), ("b", 20, 1)]
    assert [(item.item_id, end_ms, count) for item, end_ms, count in rest] == [("b", 60, 2)]
    assert (first.item.item_id, second.item.item_id) == ("a", "b")
    assert backlog.confirm(5) == []


def test_what_nobody_confirmed_goes_again_with_its_old_numbers() -> None:
    """Ingress drops what it gets twice."""
    backlog, _ = holding(2)
    add(backlog, 3, "b", 5)
    send(backlog, 4)
    backlog.confirm(1)

    moved = backlog.rewind_to_confirmed()

    assert [(item.item_id, cursor_ms) for item, cursor_ms in moved] == [("a", 20), ("b", 0)]
    assert backlog.unsent == 4
    assert send(backlog, 4) == [2, 3, 4, 5]


def test_nothing_goes_again_where_all_is_confirmed() -> None:
    """The cursor stays."""
    backlog, _ = holding(4)
    send(backlog, 2)
    backlog.confirm(2)

    assert backlog.rewind_to_confirmed() == []
    assert send(backlog, 1) == [3]


def test_a_new_leg_begins_at_what_was_settled() -> None:
    """The frame that was partly heard is not said again; the rest goes with new numbers."""
    backlog, _ = holding(4)
    add(backlog, 2, "b", 5)
    send(backlog, 5)
    settled = {"a": 45.0, "b": 0.0}

    moved = backlog.rewind_to(lambda item_id: settled[item_id])

    assert [(item.item_id, cursor_ms) for item, cursor_ms in moved] == [("a", 60), ("b", 0)]
    assert send(backlog, 3) == [6, 7, 8]


def test_a_new_owner_begins_inside_a_stretch() -> None:
    """Not before what is held, not behind its end."""
    backlog, stretch = holding(4)

    backlog.start_at(stretch, 3)
    backlog.start_at(stretch, 1)
    assert (stretch.next_frame, backlog.unsent) == (3, 1)
    backlog.start_at(stretch, 9)

    assert (stretch.next_frame, backlog.unsent) == (4, 0)


def test_an_item_that_was_heard_is_passed_over() -> None:
    """It was about to be sent again: its numbers are left out."""
    backlog, _ = holding(4)
    add(backlog, 2, "b", 5)

    backlog.pass_over("a")

    assert backlog.unsent == 2
    assert send(backlog, 1) == [5]


# Trimming.


def test_what_was_heard_is_freed_and_may_be_trimmed() -> None:
    """By whole entries: the one that holds the next unheard byte is kept."""
    backlog, stretch = holding(4)
    send(backlog, 4)
    backlog.confirm(4)

    backlog.release(lambda _: 60.0)

    assert (stretch.framer.held_from, backlog.held_bytes) == (3, 160)
    assert backlog.keep_from == "1-1"


def test_what_was_not_confirmed_is_kept() -> None:
    """It may be asked for again, whatever the clock says."""
    backlog, stretch = holding(4)
    send(backlog, 4)
    backlog.confirm(1)

    backlog.release(lambda _: 80.0)

    assert stretch.framer.held_from == 1


def test_a_finished_item_is_forgotten_but_for_its_name() -> None:
    """Its entries may come again; not all names are kept for ever."""
    backlog = Backlog(1)
    for number in range(FINISHED_ITEMS + 1):
        add(backlog, 2, f"i{number}", number + 1)
        send(backlog, 2)
    backlog.confirm(1_000)

    backlog.release(lambda _: ALL)

    assert not backlog.stretches
    assert "i0" not in backlog.finished
    assert "i1" in backlog.finished
    assert backlog.keep_from == f"{FINISHED_ITEMS + 1}-1"


def test_entries_without_audio_are_trimmed_in_their_turn() -> None:
    """Not before what stands before them."""
    backlog, _ = holding(2)
    backlog.note("9-0")

    backlog.release(lambda _: NOTHING)
    before = backlog.keep_from
    send(backlog, 2)
    backlog.confirm(2)
    backlog.release(lambda _: ALL)

    assert (before, backlog.keep_from) == ("", "9-1")


def test_a_flush_leaves_nothing_and_tells_what_was_never_sent() -> None:
    """Its entries may be trimmed; numbers go on."""
    backlog, _ = holding(4)
    send(backlog, 1)

    dropped = backlog.clear()
    backlog.release(lambda _: NOTHING)

    assert (dropped, backlog.unsent, backlog.next_n) == (3, 0, 2)
    assert backlog.keep_from == "2-1"
    assert backlog.confirm(1) == []


def test_a_base_names_the_first_frame_that_may_be_needed() -> None:
    """By what was settled, never behind the cursor; without audio by the next number."""
    backlog, _ = holding(4, next_n=11)
    send(backlog, 3)

    bases = [backlog.base(2, {"a": settled_ms}.__getitem__) for settled_ms in (0.0, 45.0, 500.0, ALL)]

    assert bases == [Base(cut=2, item_id="a", frame=frame, n=10 + frame) for frame in (0, 2, 3, 3)]
    assert Backlog(7).base(1, lambda _: NOTHING) == Base(cut=1, item_id="", frame=0, n=6)


def test_a_base_is_never_before_what_was_released() -> None:
    """What is settled falls when an echo comes late; the reply was trimmed by what it had been."""
    backlog, _ = holding(4, next_n=11)
    send(backlog, 3)
    backlog.confirm(13)
    backlog.release({"a": 45.0}.__getitem__)

    assert backlog.base(0, {"a": 10.0}.__getitem__) == Base(cut=0, item_id="a", frame=2, n=12)


@given(st.lists(st.sampled_from(["send", "confirm", "rewind", "release"]), max_size=40))
def test_what_is_counted_unsent_is_what_is_unsent(steps: list[str]) -> None:
    """Whatever happens to the cursor."""
    backlog, _ = holding(6)
    add(backlog, 5, "b", 9)
    for step in steps:
        if step == "send" and backlog.unsent:
            send(backlog, 1)
        elif step == "confirm":
            backlog.confirm(backlog.next_n - 2)
        elif step == "rewind":
            backlog.rewind_to_confirmed()
        elif step == "release":
            backlog.release(lambda _: 40.0)

        assert backlog.unsent == sum(stretch.unsent for stretch in backlog.stretches) >= 0
