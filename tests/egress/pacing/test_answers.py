"""Which debt frames answer: told before the first and after the last of them, on each stream again."""

from __future__ import annotations

from collections import deque

from egress.actions import Action, End, Sound
from egress.heard.accounts import PlayedItem, PlayedResponse
from egress.pacing.answers import Answers
from egress.reply.backlog import Stretch
from egress.reply.framer import Framer


def stretch(response: PlayedResponse, frames: int) -> Stretch:
    """Audio of one item that was not sent."""
    framer = Framer(0)
    framer.feed(0, bytes(160 * frames))
    return Stretch(PlayedItem("i", response), framer, 0)


def test_the_first_frame_of_a_response_is_announced_once() -> None:
    """With the number of the frame before it."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", debt=7)
    answers.begin(response, 4, actions)
    answers.begin(response, 5, actions)

    assert actions == [Sound(4, 7)]


def test_the_end_is_told_when_the_response_is_out() -> None:
    """Not while it may get more, nor while frames of it wait."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", debt=7)
    held = deque([stretch(response, 2)])
    answers.begin(response, 0, actions)
    answers.end_if_out(held, 1, actions)
    response.ended = True
    answers.end_if_out(held, 1, actions)
    assert actions == [Sound(0, 7)]

    held[0].next_frame = 2
    answers.end_if_out(held, 2, actions)
    answers.end_if_out(held, 2, actions)

    assert actions == [Sound(0, 7), End(2, 7)]


def test_what_nobody_waits_for_is_not_told() -> None:
    """A prompt to a caller who is silent."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", ended=True)
    answers.begin(response, 0, actions)
    answers.end_if_out([], 1, actions)

    assert actions == []


def test_a_new_stream_is_told_again() -> None:
    """The one before took what it knew with it."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", debt=7)
    answers.begin(response, 0, actions)
    answers.restart()
    answers.begin(response, 9, actions)

    assert actions == [Sound(0, 7), Sound(9, 7)]


def test_the_end_of_what_left_before_us_is_told_by_us() -> None:
    """Whether it came to that before, nobody knows; its beginning is told with the next frame."""
    answers, actions = Answers(), list[Action]()
    response, next_one = PlayedResponse("r", debt=7, ended=True), PlayedResponse("s", debt=8)
    answers.passed(response)
    answers.end_if_out([stretch(response, 2)], 3, actions)
    answers.begin(response, 3, actions)
    assert actions == [Sound(3, 7)]

    answers.passed(response)
    answers.end_if_out([], 5, actions)
    answers.end_if_out([], 5, actions)
    answers.passed(next_one)
    answers.restart()
    next_one.ended = True
    answers.end_if_out([], 6, actions)

    assert actions == [Sound(3, 7), End(5, 7)]


def test_of_what_an_owner_before_us_began_only_the_end_is_told() -> None:
    """Once."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", debt=7)
    response.ended = True
    answers.passed(response)
    answers.end_if_out((), 3, actions)
    answers.end_if_out((), 3, actions)
    assert actions == [End(3, 7)]


def test_what_leaves_just_now_is_not_passed() -> None:
    """Its beginning was told by us, and is not told again."""
    answers, actions = Answers(), list[Action]()
    response = PlayedResponse("r", debt=7)
    answers.begin(response, 0, actions)
    answers.passed(response)
    answers.begin(response, 1, actions)
    assert actions == [Sound(0, 7)]
