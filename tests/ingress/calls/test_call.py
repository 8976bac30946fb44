"""One call: what reaches its socket, what its caller says, and the reports that follow."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from unittest import mock

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.calls.fence import Admit
from ingress.calls.post import PROGRESS_S
from shared.audio import FRAME_BYTES
from shared.contract.errors import EntryError
from shared.contract.steps import Attached
from shared.contract.streams.caller import CallerFrame, read_caller
from shared.contract.streams.control import Dtmf, read_message
from shared.contract.streams.pairs import Name
from tests.ingress.fakes import CALL, EGRESS, TOLD, Desk
from tests.support.waiting import held_clock


def events(desk: Desk) -> list[str]:
    """The messages that were written, by their event."""
    return [orjson.loads(message)["event"] for message in desk.socket.written]


async def test_clear_drops_unsent_media_first() -> None:
    """Unsent media goes before the clear is written."""
    desk = Desk()
    desk.receive("frame", n=1)
    desk.receive("clear", cut=1, n=1)
    assert desk.socket.done == ["media 0", "drop 1", "control"]
    assert events(desk) == ["media", "clear"]


async def test_frame_of_a_new_cut_drops_the_old_ones() -> None:
    """Also when its clear never came."""
    desk = Desk()
    desk.receive("frame", n=1)
    desk.receive("frame", n=2, cut=3)
    assert desk.socket.done == ["media 0", "drop 3", "media 3"]


async def test_without_a_socket_nothing_is_raised() -> None:
    """Frames for a socket that is closing do not count as given, so a new leg can have them."""
    desk = Desk()
    desk.socket.is_open = False
    desk.receive("frame", n=1)
    assert (desk.call.fence.last_frame, desk.call.forwarded) == (0, 0)
    desk.socket.is_open = True
    desk.receive("frame", n=1)
    assert desk.call.forwarded == 1


async def test_dropped_frames_are_not_forwarded() -> None:
    """A frame that the socket had no room for is not reported as given to it."""
    desk = Desk()
    desk.receive("frame", n=1)
    desk.socket.is_full = True
    desk.receive("frame", n=2)
    assert desk.call.forwarded == 1


async def test_dropped_frames_may_come_again() -> None:
    """Egress stops when nothing is acknowledged, and goes on from the last frame forwarded."""
    desk = Desk()
    desk.socket.is_full = True
    desk.receive("frame", n=1)
    desk.socket.is_full = False
    desk.receive("frame", n=1)
    assert desk.call.forwarded == 1


def heard(desk: Desk) -> bytes:
    """The audio that was written to the socket."""
    found = [orjson.loads(message) for message in desk.socket.written]
    return b"".join(b64decode(each["media"]["payload"]) for each in found if each["event"] == "media")


def audio(first: int, last: int) -> bytes:
    """Frames by their numbers: each is told from every other."""
    return b"".join(bytes([n]) * FRAME_BYTES for n in range(first, last + 1))


async def test_a_group_is_one_message() -> None:
    """Named by its last frame; a single one of an older egress is one too."""
    desk = Desk()
    desk.receive("frame", n=3, value=audio(1, 3))
    desk.receive("frame", n=4, value=audio(4, 4))

    assert desk.socket.done == ["media 0", "media 0"]
    assert heard(desk) == audio(1, 4)
    assert (desk.call.forwarded, desk.services.counters.out_frames) == (4, 4)


async def test_of_a_group_only_what_is_new_is_heard() -> None:
    """A new egress's group overlaps what the old one's has brought: its head is left out, and counted."""
    desk = Desk()
    desk.receive("frame", n=2, value=audio(1, 2))
    desk.receive("frame", n=4, value=audio(2, 4), epoch=2)
    desk.receive("frame", n=4, value=audio(3, 4), epoch=2)
    desk.receive("frame", n=3, value=audio(1, 3), epoch=2)

    assert heard(desk) == audio(1, 4)
    assert desk.call.forwarded == 4
    counters = desk.services.counters
    assert (counters.out_frames, counters.out_drops[Admit.REPEATED]) == (4, 1 + 2 + 3)


async def test_a_group_without_room_is_not_forwarded_and_may_come_again() -> None:
    """As a whole, or by the part that was new."""
    desk = Desk()
    desk.receive("frame", n=2, value=audio(1, 2))
    desk.socket.is_full = True
    desk.receive("frame", n=4, value=audio(2, 4))
    assert (desk.call.forwarded, desk.call.fence.last_frame) == (2, 2)

    desk.socket.is_full = False
    desk.receive("frame", n=5, value=audio(3, 5))
    assert heard(desk) == audio(1, 5)


async def test_of_a_group_nothing_is_heard_behind_its_clear() -> None:
    """What egress sent before the flush, and ingress had not read."""
    desk = Desk()
    desk.receive("frame", n=3, value=audio(1, 3))
    desk.receive("clear", cut=1, n=6)
    desk.receive("frame", n=6, value=audio(4, 6))
    desk.receive("frame", n=8, value=audio(7, 8), cut=1)

    assert heard(desk) == audio(1, 3) + audio(7, 8)
    assert events(desk) == ["media", "clear", "media"]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 3)), max_size=60))
def test_whatever_groups_come_each_frame_is_heard_once_and_in_order(groups: list[tuple[int, int]]) -> None:
    """Of several owners, in any order, overlapping as they like: what is heard rises, and no number that was
    reached comes again."""
    desk = Desk()
    expected, highest = b"", 0
    with mock.patch.object(desk.call, "_post"):
        for last, count in groups:
            count = min(count, last)
            desk.receive("frame", n=last, value=audio(last - count + 1, last))
            first = max(last - count + 1, highest + 1)
            expected += audio(first, last) if first <= last else b""
            highest = max(highest, last)

    assert heard(desk) == expected
    assert desk.call.forwarded == highest


async def test_an_attach_is_told_that_groups_are_taken() -> None:
    """Before the answer, behind which frames may leave."""
    desk = Desk()
    desk.receive("attach")
    await asyncio.sleep(0)

    assert [name.kind for _, name, _ in desk.told] == ["groups", "pauses", "attached"]
    assert desk.told[0][2] == b"3"


async def test_a_pause_clears_and_marks_and_what_comes_again_is_heard() -> None:
    """What is unsent goes, the carrier forgets what it has, and the mark behind that tells when; the frames
    come again under higher numbers, of the same cut."""
    desk = Desk()
    desk.receive("frame", n=3, value=audio(1, 3))
    desk.receive("pause", n=3, value=b"1.0.=stop.7")
    desk.receive("frame", n=5, value=audio(2, 3))

    assert desk.socket.done == ["media 0", "drop 1", "control", "control", "media 0"]
    assert events(desk) == ["media", "clear", "mark", "media"]
    assert orjson.loads(desk.socket.written[2])["mark"]["name"] == "1.0.=stop.7"
    assert desk.call.forwarded == 5
    assert desk.counters.out_pauses == 1


async def test_a_pause_that_comes_twice_wipes_nothing_that_came_after_it() -> None:
    """A write that was sent again."""
    desk = Desk()
    desk.receive("frame", n=3, value=audio(1, 3))
    desk.receive("pause", n=3, value=b"m")
    desk.receive("frame", n=4, value=audio(3, 3))
    desk.receive("pause", n=3, value=b"m")

    assert events(desk) == ["media", "clear", "mark", "media"]
    assert desk.services.counters.out_drops[Admit.REPEATED] == 1


async def test_a_pause_pays_nothing_by_its_echoes() -> None:
    """What the carrier forgot was not heard: the answer is owed on until it is."""
    desk = Desk()
    desk.receive("owes", n=1, value=b"0 - turn")
    desk.receive("sound", value=b"1")
    desk.receive("frame", n=1, value=bytes([0x90]) * 160)
    desk.receive("mark", n=1, value=b"1.0.item.20")
    desk.receive("pause", n=1, value=b"1.0.=stop.7")
    desk.call.echo("1.0.item.20", desk.clock())
    desk.call.echo("1.0.=stop.7", desk.clock())

    assert desk.call.owed.settled == 0


async def test_first_frame_ends_the_hold_clip() -> None:
    """What is unsent of the clip goes, what Twilio has is cleared, then the frame plays."""
    desk = Desk()
    assert desk.look(4_000)
    desk.clock.now_ms += 4_100
    desk.receive("frame", n=1)
    desk.receive("frame", n=2)
    assert desk.socket.done == ["media -1", "drop 0", "control", "media 0", "media 0"]
    assert events(desk)[1] == "clear"


MUSIC = b"\x20" * 160 * 50
"""One second of the user's own sound."""


def waits(desk: Desk, *, after_ms: int = 0) -> None:
    """A brain that is there says that this caller waits, and what they are to hear."""
    desk.sounds["0f3a"] = MUSIC
    desk.receive("owes", n=1, value=b"0 h tool", worker="brain-0@h#a")
    desk.receive("fill", n=after_ms, value=b"0f3a", worker="brain-0@h#a")


async def test_the_users_sound_fills_a_silence_until_the_answer_comes() -> None:
    """In short pieces; what is left of it gives way to the first frame of the answer, and pays nothing."""
    desk = Desk()
    waits(desk, after_ms=500)
    assert desk.look(250)
    assert desk.socket.done == []

    assert desk.look(500)
    assert desk.socket.done == ["media -1"]
    assert desk.counters.filled_frames == 30
    desk.clock.now_ms += 700
    desk.receive("sound", value=b"1")
    desk.receive("frame", n=1, value=bytes([0x90]) * 160)

    assert desk.socket.done == ["media -1", "drop 0", "control", "media 0"]
    assert events(desk)[1] == "clear"
    assert desk.call.owed.settled == 0


async def test_nothing_of_it_is_heard_beside_an_answer() -> None:
    """Neither while it plays nor in a pause of it; and not before it has been silent for a breath."""
    desk = Desk()
    waits(desk)
    desk.receive("sound", value=b"1")
    desk.receive("frame", n=1, value=bytes([0x90]) * 160)
    assert desk.look(1_500)
    assert desk.socket.done == ["media 0"]

    desk.receive("sound_end", n=1, value=b"1")
    assert desk.look(300)
    assert desk.socket.done == ["media 0"]
    assert desk.look(1_600)
    assert desk.socket.done == ["media 0", "media -1"]


async def test_who_hears_music_needs_no_clip() -> None:
    """As long as a brain says that they wait; an ingress that has no such sound plays its own."""
    desk = Desk()
    waits(desk)
    for ms in range(0, 8_000, 250):
        desk.call.filling.word("0f3a", 0, desk.clock() + ms)
        desk.call.receive("brain-0@h#a", Name("owes", CALL, 1, 1, 0, 1), b"0 h tool", desk.clock() + ms)
        assert desk.look(ms)
    assert desk.counters.hold_clips == 0
    assert desk.counters.filled_frames > 390

    poor = Desk()
    waits(poor)
    poor.sounds.clear()
    for ms in range(0, 5_000, 250):
        poor.call.receive("brain-0@h#a", Name("owes", CALL, 1, 1, 0, 1), b"0 h tool", poor.clock() + ms)
        assert poor.look(ms)
    assert (poor.counters.hold_clips, poor.counters.filled_frames) == (1, 0)


async def test_what_a_clear_takes_away_of_it_is_given_again() -> None:
    """From where the ear stood."""
    desk = Desk()
    waits(desk)
    desk.sounds["0f3a"] = b"".join(bytes([n]) * 160 for n in range(50))
    assert desk.look()
    desk.clock.now_ms += 300
    desk.receive("clear", cut=1, value=b"")
    desk.receive("fill", value=b"0f3a", worker="brain-0@h#a")
    assert desk.look()

    assert b64decode(orjson.loads(desk.socket.written[-1])["media"]["payload"])[:160] == bytes([15]) * 160


async def test_an_answer_that_does_not_come() -> None:
    """The brain owes one: four seconds later the clip plays, once. The account says what for."""
    desk = Desk()
    desk.receive("owes", n=1, value=b"0 - turn")
    for after_ms in (1_000, 2_000, 3_000):
        assert desk.look(after_ms)
        desk.call.receive("brain-0@h#a", Name("owes", CALL, 1, 1, 0, 1), b"0 - turn", desk.clock() + after_ms)
    assert desk.look(3_500)
    assert desk.socket.done == []
    assert desk.look(4_100)
    assert desk.socket.done == ["media -1"]
    assert desk.call.owed.standing == (4_500, "turn")
    assert desk.counters.owed_silence_ms["turn"] + desk.counters.owed_silence_ms["pick_up"] == 4_500


async def test_an_answer_is_paid_by_the_mark_behind_its_sound() -> None:
    """Egress says what the frames answer; the carrier, that they were played."""
    desk = Desk()
    desk.receive("owes", n=1, value=b"0 - turn")
    desk.receive("sound", value=b"1")
    desk.receive("frame", n=1, value=bytes([0x90]) * 160)
    desk.receive("mark", n=1, value=b"1.0.item.20")
    desk.call.echo("1.0.item.20", desk.clock())
    desk.receive("sound_end", n=1, value=b"1")

    assert desk.look()
    assert desk.call.owed.standing == (0, "")


async def test_a_word_that_cannot_be_read_is_no_word() -> None:
    """It is counted where it is read."""
    desk = Desk()
    for kind, value in (("owes", b"soon"), ("sound", b"loud"), ("sound_end", b"")):
        with pytest.raises(EntryError):
            desk.receive(kind, value=value)


async def test_reports_go_to_the_egress_that_speaks() -> None:
    """Progress within 100 ms, once for many frames; again while bytes are unsent."""
    desk = Desk()
    with held_clock() as clock:
        for n in range(1, 6):
            desk.receive("frame", n=n)
        desk.receive("frame", n=6, epoch=2, worker="egress-1@h#b")
        desk.socket.unsent_bytes = 500
        await asyncio.sleep(0)
        ((worker, name, value),) = desk.told
        assert (worker, name.kind, name.epoch, name.n, value) == ("egress-1@h#b", "forwarded", 2, 6, b"500")
        await clock.let_pass(PROGRESS_S)
        assert len(desk.told) == 2
        desk.socket.unsent_bytes = 0
        desk.clock.now_ms += 1_000.0  # It has played.
        await clock.let_pass(PROGRESS_S)  # The last report, then none.
        assert len(desk.told) == 3
        await clock.let_pass(PROGRESS_S)
    assert len(desk.told) == 3


async def test_progress_is_told_until_what_was_given_has_played() -> None:
    """A socket that is lost in the last word of an answer was there until then: egress need not say it
    again."""
    desk = Desk()
    with held_clock() as clock:
        desk.receive("frame", n=15, value=b"\x20" * 15 * FRAME_BYTES)
        await asyncio.sleep(0)
        told = [len(desk.told)]
        for _ in range(6):
            desk.clock.now_ms += PROGRESS_S * 1000
            await clock.let_pass(PROGRESS_S)
            told.append(len(desk.told))
    assert told == [1, 2, 3, 4, 4, 4, 4], "300 ms"


async def test_echo_goes_at_once_with_progress() -> None:
    """In one entry, at the end of the turn of the loop."""
    desk = Desk()
    desk.receive("frame", n=1)
    await asyncio.sleep(0)
    desk.call.echo("1.0.item.20", desk.clock())
    await asyncio.sleep(0)
    assert [(name.kind, value) for _, name, value in desk.told] == [
        ("forwarded", b"0"),
        ("echo", b"1.0.item.20"),
        ("forwarded", b"0"),
    ]
    assert desk.counters.back_entries == 2


async def test_the_way_is_told_when_it_has_changed_and_to_whoever_asks_anew() -> None:
    """To the egress that speaks; before any has spoken it waits."""
    desk = Desk()
    desk.stream.pong(desk.socket.asked[-1], desk.clock() + 80.0)
    desk.call.tell_way()
    desk.receive("frame", n=1)
    for _ in range(2):
        desk.call.tell_way()
    desk.receive("attach", worker="egress-1@h#b", epoch=2)
    await asyncio.sleep(0)
    told = [(worker, value) for worker, name, value in desk.told if name.kind == "way"]
    assert told == [(EGRESS, b"80"), ("egress-1@h#b", b"80")]


async def test_echo_without_egress_is_nobodys() -> None:
    """Before any egress has spoken there is none to tell."""
    desk = Desk()
    desk.call.echo("x", desk.clock())
    await asyncio.sleep(0)
    assert desk.told == []


async def test_close_is_the_brains() -> None:
    """An old brain's close is dropped."""
    desk = Desk()
    desk.receive("owes", epoch=2, value=b"0 p -")
    desk.receive("close", epoch=1, value=b"old")
    desk.receive("close", epoch=2, value=b"new")
    assert desk.socket.done == ["close 1000 brain: new"]
    assert desk.call.egress == ""


async def test_empty_frames_are_not_written() -> None:
    """Twilio kills a stream for an empty payload."""
    desk = Desk()
    desk.receive("frame", n=1, value=b"")
    assert desk.socket.done == []


async def test_nobody_comes() -> None:
    """A clip after four seconds and after each pause, the apology after twelve."""
    desk = Desk()
    times = [ms for ms in range(0, 13_000, 250) if not desk.look(ms)]
    assert times[0] == 11_750
    assert desk.socket.done == ["media -1"] * 3
    assert desk.counters.hold_clips == 3


async def test_a_clear_is_told_to_whoever_measures_it() -> None:
    """Once it is written; a repeated one that the fence drops is not."""
    desk = Desk()
    clear = Name("clear", CALL, 1, 1, 1, 0)
    assert desk.call.receive(EGRESS, clear, b"5.0", desk.clock())
    desk.receive("frame", n=1, cut=1)
    assert not desk.call.receive(EGRESS, clear, b"5.0", desk.clock())
    assert not desk.call.receive(EGRESS, Name("mark", CALL, 1, 1, 1, 1), b"m", desk.clock())


async def test_the_caller_is_written_for_the_brain() -> None:
    """With the leg, the chunk and the time that were given."""
    desk = Desk()
    desk.call.hear(1, 7, 123.4, b"x" * 160)
    (words,) = desk.outbox.packed
    assert words[:3] == [b"XADD", desk.services.keys.caller(CALL).encode(), b"NOMKSTREAM"]
    assert read_caller(words[words.index(b"*") + 1 :]) == CallerFrame(1, 7, 123.4, b"x" * 160)


async def test_what_comes_while_the_card_is_written_again_waits_behind_what_came_before() -> None:
    """Nothing overtakes; what had no place twice is kept again."""
    desk = Desk()
    desk.call._unheard.append(desk.call._packer.pack(1, 6, 1.0, b"x" * 160))
    desk.call.lost()
    desk.call.hear(1, 7, 123.4, b"x" * 160)
    desk.call.press(1, "#")
    assert (desk.outbox.packed, desk.outbox.sent) == ([], [])
    desk.call.written_again()
    *frames, key = desk.outbox.packed
    assert [read_caller(words[words.index(b"*") + 1 :]).chunk for words in frames] == [6, 7]
    assert b"dtmf" in key
    desk.call.hear(1, 8, 124.4, b"x" * 160)
    assert len(desk.outbox.packed) == 4


async def test_keys_are_letters_with_numbers_of_the_process() -> None:
    """A call that leaves this process and comes back must not repeat one: its owner would drop the key."""
    first, again = Desk(), Desk()
    again.call._services = first.services
    for desk in (first, again):
        desk.call.press(1, "#")
    letters = []
    for words in first.outbox.sent:
        at = words.index(b"v")
        fields = dict(zip(words[at::2], words[at + 1 :: 2], strict=True))
        letters.append(read_message(b"1-0", fields))
    assert [(letter.message, letter.number) for letter in letters] == [
        (Dtmf(digit="#", leg=1), "1"),
        (Dtmf(digit="#", leg=1), "2"),
    ]


async def test_an_older_leg_does_not_get_the_call_back() -> None:
    """Legs rise; the newest stream has the call."""
    desk = Desk()
    with pytest.raises(ValueError, match="above 1"):
        desk.call.connect(desk.stream, TOLD, Attached(1, True), desk.clock())
