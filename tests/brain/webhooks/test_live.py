"""What is told while a call goes on."""

from __future__ import annotations

from typing import cast

import orjson

from brain.webhooks.events import WORDS_MS, Hooks
from brain.webhooks.live import LiveEvents
from brain.webhooks.turns import HOLD_MS, SETTLE_MS
from shared.contract.command import Command
from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.streams.hooks import Event, Hook, read_hook
from shared.contract.streams.journal import Kind
from shared.store.writing.outbox import Outbox

CALL = "CA" + "1" * 32
AT_MS = 1_767_607_200_000


class Notebook:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def hooks(self) -> list[Hook]:
        added = [each.args for each in self.sent if each.args[0] == b"XADD"]
        return [read_hook(to_dict(args[args.index(b"*") + 1 :])) for args in added]


def live(*told: Event, answers: list[str] | None = None) -> tuple[LiveEvents, Notebook]:
    """`answers`: the last of it is who answers now."""
    book = Notebook()
    hooks = Hooks(cast(Outbox, book), Keys(1), frozenset(told or Event))
    made = LiveEvents(hooks, lambda _call, _item: answers[-1] if answers else "")
    made.begun(CALL)
    return made, book


def a_turn(made: LiveEvents) -> None:
    made.noted(CALL, Kind.SPEECH_STARTED, {"item": "u"}, AT_MS)
    made.noted(CALL, Kind.SPEECH_STOPPED, {"item": "u"}, AT_MS + 1_000)
    made.noted(CALL, Kind.AUDIBLE, {"item": "a"}, AT_MS + 1_600)
    made.noted(CALL, Kind.SILENT, {"response": "r"}, AT_MS + 3_000)


def test_a_turn_is_told_once_it_is_over() -> None:
    """With its items, and time for its words to come."""
    made, book = live()
    a_turn(made)
    made.look(AT_MS + 3_000)
    assert book.hooks() == []
    over_ms = AT_MS + 3_000 + SETTLE_MS
    made.look(over_ms)
    made.look(over_ms + HOLD_MS)
    (hook,) = book.hooks()
    assert (hook.event, hook.event_id) == (Event.TURN_ENDED, f"{CALL}-turn-u")
    assert (hook.at_ms, hook.due_ms) == (over_ms, over_ms + WORDS_MS)
    turn = orjson.loads(hook.details)["turn"]
    assert (turn["number"], turn["caller_items"], turn["answer_items"]) == (1, ["u"], ["a"])


def test_the_last_turn_is_told_when_the_call_leaves() -> None:
    """As far as it had come; nothing follows."""
    made, book = live()
    a_turn(made)
    made.left(CALL, AT_MS + 3_100)
    made.left(CALL, AT_MS + 3_200)
    assert len(book.hooks()) == 1
    made.noted(CALL, Kind.AUDIBLE, {"item": "b"}, AT_MS + 4_000)
    made.look(AT_MS + 60_000)
    assert len(book.hooks()) == 1


def test_a_call_that_is_taken_up_again_here_goes_on() -> None:
    """Its turns are counted on."""
    made, book = live()
    a_turn(made)
    made.begun(CALL)
    made.look(AT_MS + 60_000)
    assert len(book.hooks()) == 1


def test_transfers_and_agents_are_told_at_once() -> None:
    """Tones are no transfer."""
    made, book = live()
    made.noted(CALL, Kind.MOVE, {"what": "digits"}, AT_MS)
    made.noted(CALL, Kind.MOVE, {"what": "dial"}, AT_MS + 1)
    made.noted(CALL, Kind.MOVE_ENDED, {"what": "dial", "status": "busy"}, AT_MS + 2)
    made.noted(CALL, Kind.AGENT_CHANGED, {"agent": "service", "was": "sales"}, AT_MS + 3)
    assert [(hook.event, orjson.loads(hook.details), hook.due_ms) for hook in book.hooks()] == [
        (Event.TRANSFER_STARTED, {}, AT_MS + 1),
        (Event.TRANSFER_ENDED, {"status": "busy"}, AT_MS + 2),
        (Event.AGENT_CHANGED, {"agent": "service", "was": "sales"}, AT_MS + 3),
    ]
    assert len({hook.event_id for hook in book.hooks()}) == 3


def test_an_event_names_who_answered_when_it_happened() -> None:
    """Told later, when another agent has the call: a turn is that of who answered it, and who sent a caller
    away has sent them."""
    answers = ["sales"]
    made, book = live(answers=answers)
    a_turn(made)
    made.noted(CALL, Kind.MOVE, {"what": "dial"}, AT_MS + 3_100)
    answers.append("service")
    made.noted(CALL, Kind.AGENT_CHANGED, {"agent": "service", "was": "sales"}, AT_MS + 3_200)
    made.look(AT_MS + 3_000 + SETTLE_MS)
    made.noted(CALL, Kind.MOVE_ENDED, {"what": "dial", "status": "busy"}, AT_MS + 6_000)
    assert [(hook.event, orjson.loads(hook.details)["agent"]) for hook in book.hooks()] == [
        (Event.TRANSFER_STARTED, "sales"),
        (Event.AGENT_CHANGED, "service"),
        (Event.TURN_ENDED, "sales"),
        (Event.TRANSFER_ENDED, "service"),
    ]


def test_a_turn_that_another_agent_answers_is_that_ones() -> None:
    """Whoever had the call while the caller spoke."""
    answers = ["sales"]
    made, book = live(Event.TURN_ENDED, answers=answers)
    made.noted(CALL, Kind.SPEECH_STARTED, {"item": "u"}, AT_MS)
    answers.append("service")
    made.noted(CALL, Kind.AUDIBLE, {"item": "a"}, AT_MS + 1_600)
    made.left(CALL, AT_MS + 3_000)
    (hook,) = book.hooks()
    assert orjson.loads(hook.details)["agent"] == "service"


def test_what_nobody_wants_to_know_is_not_followed() -> None:
    """Nothing is kept for it either."""
    made, book = live(Event.STARTED, Event.ENDED)
    a_turn(made)
    made.noted(CALL, Kind.MOVE, {"what": "dial"}, AT_MS)
    made.left(CALL, AT_MS + 60_000)
    assert book.sent == []


def test_a_call_that_is_not_here_is_not_followed() -> None:
    """A line that is written after it has left."""
    made, book = live()
    made.noted("CA" + "2" * 32, Kind.AUDIBLE, {"item": "a"}, AT_MS)
    made.look(AT_MS + 60_000)
    assert book.sent == []


def test_a_turn_is_that_of_the_agent_whose_answer_is_heard() -> None:
    """What one said last may be heard when another has the call."""
    book = Notebook()
    hooks = Hooks(cast(Outbox, book), Keys(1), frozenset(Event))
    made = LiveEvents(hooks, lambda _call, item: {"a": "sales"}.get(item, "service"))
    made.begun(CALL)
    a_turn(made)
    made.left(CALL, AT_MS + 3_100)
    (hook,) = book.hooks()
    assert orjson.loads(hook.details)["agent"] == "sales"
