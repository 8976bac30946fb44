"""In which order frames, marks and the words of an answer leave."""

from __future__ import annotations

from egress.actions import Action, End, Frames, Mark, Sound
from egress.heard.accounts import DeliveryCounters
from egress.heard.ledger import Ledger
from egress.pacing.answers import Answers
from egress.pacing.pacer import Pacer
from egress.pacing.sender import Sender
from egress.reply.backlog import Backlog
from shared.audio import FRAME_BYTES


def ready(*frames: int, lead_ms: float = 300.0, debt: int = 0) -> Sender:
    """Whole items of so many frames, each of a response of its own, all that they will hold."""
    backlog, ledger = Backlog(1), Ledger(1, 0)
    sender = Sender(backlog, Pacer(lead_ms), ledger, Answers(), DeliveryCounters())
    for number, count in enumerate(frames):
        audio = bytes([number + 1]) * FRAME_BYTES * count
        item = ledger.receive(f"r{number}", f"i{number}", count * 20, 0.0)
        item.response.debt = debt
        stretch = backlog.open(item, 0)
        backlog.feed(stretch, f"{number}-1", 0, audio)
        backlog.close(stretch, ends_item=True)
        ledger.end_item(item, 0.0)
        ledger.end_response(f"r{number}")
    return sender


def sent(sender: Sender, now_ms: float) -> list[Action]:
    actions: list[Action] = []
    sender.send(now_ms, 0.0, actions)
    return actions


def test_a_short_answer_leaves_whole_with_its_words() -> None:
    """What it answers before the first frame; the mark of its end behind the last, and that it has ended."""
    actions = sent(ready(4, debt=7), 0.0)

    assert [type(action) for action in actions] == [Sound, Frames, Frames, Mark, End]
    assert actions[3] == Mark(4, "1.0.i0.80")


def test_the_end_of_an_item_is_marked_before_the_next_begins() -> None:
    """In one go too."""
    actions = sent(ready(2, 2), 0.0)

    assert [type(action) for action in actions] == [Frames, Mark, Frames, Mark]
    assert [action.name for action in actions if isinstance(action, Mark)] == ["1.0.i0.40", "1.0.i1.40"]


def test_a_spurt_begins_once() -> None:
    """The caller of `send` saves then."""
    sender = ready(40)
    actions: list[Action] = []

    assert [sender.send(now_ms, 0.0, actions) for now_ms in (0.0, 1.0, 60.0)] == [True, False, False]
    assert sender.counters.frames_sent == 17 + 3


def test_marks_that_were_forgotten_are_told_again() -> None:
    """Of items that have left to their end, and of no others."""
    sender = ready(2, 40)
    sent(sender, 0.0)
    for item in sender.ledger.items:
        item.marked_ms = -1
    actions: list[Action] = []

    sender.mark_ends(0.0, actions)

    assert [action.name for action in actions if isinstance(action, Mark)] == ["1.0.i0.40"]


def test_without_frames_nothing_leaves() -> None:
    """Not even a word."""
    assert sent(ready(), 0.0) == []
