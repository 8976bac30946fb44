"""What the user's own systems are told: bodies, and when a failed event is tried again."""

from __future__ import annotations

from typing import cast

import orjson
import pytest

from brain.webhooks.events import (
    BEFORE_TURN_MS,
    Hooks,
    Story,
    compose,
    is_hopeless,
    pause_ms,
    with_number,
    words_since_ms,
)
from shared.contract.bill.usage import dump, used
from shared.contract.command import Command
from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.streams.history import ItemEntry, ToolEntry, ToolState
from shared.contract.streams.hooks import Event, Hook, read_hook
from shared.contract.views import StoryView
from shared.store.writing.outbox import Outbox

CALL = "CA" + "1" * 32
STARTED_MS = 1_767_607_200_000


def hook(event: Event = Event.ENDED, *, at_ms: int = STARTED_MS + 5_000, details: str = "") -> Hook:
    return Hook(
        event=event, call_sid=CALL, event_id="id", at_ms=at_ms, attempt=0, due_ms=at_ms, details=details
    )


def story(**more: object) -> Story:
    view = StoryView(
        **{
            "agent": "sales", "caller": "…89", "called_masked": "…22", "called": "+15550002222",
            "started_at_ms": STARTED_MS, "ended_at_ms": STARTED_MS + 4_000, "outcome": "completed",
            "cause": None, "resumes": 0, "leg": 1, "usage": None, "cost_micros": None,
            "playhead_item": None, "playhead_ms": None, **more,
        }  # type: ignore[arg-type]
    )  # fmt: skip
    return Story(view, {"n_frames": 7})


def data(body: bytes) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(body)["data"]
    return found


class Notebook:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    def send(self, command: Command) -> None:
        self.sent.append(command)


def test_what_is_added_is_what_a_courier_reads() -> None:
    """With a TTL beside it: the stream lives as long as a call may."""
    book = Notebook()
    hooks = Hooks(cast(Outbox, book), Keys(1), frozenset(Event))
    hooks.tool_failed(CALL, "call_1", "look_up", "timed_out")

    added, lives = book.sent
    found = read_hook(to_dict(added.args[added.args.index(b"*") + 1 :]))
    assert (found.event, found.event_id) == (Event.TOOL_FAILED, f"{CALL}-tool-call_1")
    assert orjson.loads(found.details) == {"tool": "look_up", "call_id": "call_1", "outcome": "timed_out"}
    assert lives.args[0] == b"PEXPIRE"


def test_what_nobody_wants_to_know_is_not_added() -> None:
    """The stream would grow for nobody."""
    book = Notebook()
    Hooks(cast(Outbox, book), Keys(1), {Event.ENDED}).started(CALL)

    assert book.sent == []


def test_the_end_says_how_long_how_and_what_was_counted() -> None:
    """The call's own times, not those of telling."""
    told = data(compose(hook(), story(cause="agent"), None))

    assert (told["duration_ms"], told["outcome"], told["cause"]) == (4_000, "completed", "agent")
    assert told["counters"] == {"n_frames": 7, "resumes": 0, "leg": 1}
    assert told["to"] == "+15550002222"


def test_the_end_says_what_was_used_and_what_that_costs() -> None:
    """By model; of a call whose models have said nothing: nothing, and a cost that nobody can tell."""
    reply = used("m", audio_in=10, audio_cached=4, audio_out=7)
    told = data(compose(hook(), story(usage=dump([reply]), cost_micros=41_250), None))

    assert told["usage"] == [
        {"model": "m", "requests": 1, "text_in": 0, "text_cached": 0, "audio_in": 10, "audio_cached": 4,
         "text_out": 0, "audio_out": 7, "sound_ms": 0}
    ]  # fmt: skip
    assert told["cost_usd"] == 0.04125
    nothing = data(compose(hook(), story(), None))
    assert (nothing["usage"], nothing["cost_usd"]) == ([], None)
    assert data(compose(hook(), story(usage="{"), None))["usage"] is None


def test_without_transcripts_there_are_none() -> None:
    """The setting of whoever does not want texts to leave Redis."""
    assert "transcript" not in data(compose(hook(), story(), None))


def test_a_transcript_stops_where_playing_stood() -> None:
    """What stands behind the playhead was not heard."""
    said = ItemEntry(item_id="a", role="assistant", text="one two three four", final=True)
    cut_short = story(playhead_item="a", playhead_ms=0)

    assert data(compose(hook(), story(), [said]))["transcript"] == [
        {"role": "assistant", "text": "one two three four", "whole": True, "agent": None}
    ]
    assert data(compose(hook(), cut_short, [said]))["transcript"] == []


def test_a_transcript_says_which_agent_it_was() -> None:
    """Of what was said for the caller and done for them; the last one has the call."""
    state = ToolState.RESULT
    history = [
        ItemEntry(item_id="u", role="user", text="A Kestrel?", final=True),
        ToolEntry(call_id="c", name="hand_over", state=state, value="{}", agent="desk"),
        ItemEntry(item_id="a", role="assistant", text="Yes, three.", final=True, agent="sales"),
    ]
    assert data(compose(hook(), story(), history))["transcript"] == [
        {"role": "user", "text": "A Kestrel?", "whole": True},
        {"role": "tool", "text": "hand_over", "whole": True, "agent": "desk"},
        {"role": "assistant", "text": "Yes, three.", "whole": True, "agent": "sales"},
    ]


def test_what_nobody_knows_is_no_figure() -> None:
    """The call's keys are gone: null, all of it, and no empty text that could be taken for an answer."""
    told = data(compose(hook(), None, []))

    gone = (
        "agent", "from", "to", "started_at", "duration_ms", "outcome", "cause", "counters", "usage",
        "cost_usd", "transcript",
    )  # fmt: skip
    assert {name: told[name] for name in gone} == dict.fromkeys(gone)
    assert told["ended_at"] == "2026-01-05T10:00:05.000+00:00"


@pytest.mark.parametrize("started_at_ms", [0, -5, STARTED_MS + 10_000])
def test_a_start_that_cannot_be_is_no_duration(started_at_ms: int) -> None:
    """Half a card: fifty years since the epoch are no call's length."""
    assert data(compose(hook(), story(started_at_ms=started_at_ms), None))["duration_ms"] is None


def test_the_callers_number_is_put_into_a_body_in_full() -> None:
    """At each attempt: what is kept for the next one has the card's, masked."""
    body = compose(hook(), story(), None)

    assert data(body)["from"] == "…89"
    assert data(with_number(body, "+15550006789")) == {**data(body), "from": "+15550006789"}
    assert with_number(body, "") == body


@pytest.mark.parametrize("body", [b"{", b"5", b"{}", b'{"data":7}'])
def test_a_body_of_a_hand_stays_as_it_is(body: bytes) -> None:
    """It stops no courier."""
    assert with_number(body, "+15550006789") == body


@pytest.mark.parametrize(("written", "added"), [("{", {}), ("5", {}), ('{"tool": "t"}', {"tool": "t"})])
def test_details_of_a_hand_that_slipped_are_left_out(written: str, added: dict[str, str]) -> None:
    """The event is told all the same."""
    plain = data(compose(hook(Event.STARTED), story(), None))

    assert data(compose(hook(Event.STARTED, details=written), story(), None)) == plain | added


def test_a_time_that_no_calendar_has_is_no_time() -> None:
    """The stream is open to hands."""
    assert orjson.loads(compose(hook(at_ms=10**17), story(), None))["timestamp"] is None


def test_pauses_double_to_a_bound() -> None:
    """From a second to five minutes, spread a little."""
    assert [pause_ms(attempt, 1.0) for attempt in (0, 1, 2, 8, 9, 100)] == [
        1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]  # fmt: skip
    assert pause_ms(0, 0.0) == 750


def test_an_event_is_given_up_after_a_night() -> None:
    """And not before."""
    told = hook(at_ms=1_000)

    assert not is_hopeless(told, 1_000 + 19 * 3_600_000)
    assert is_hopeless(told, 1_000 + 20 * 3_600_000)


def test_a_turn_is_told_with_the_words_that_were_heard() -> None:
    """Looked up when it is told; without transcripts its times and tools alone."""
    history = [
        ItemEntry(item_id="u", role="user", text="A Kestrel?", final=True),
        ItemEntry(item_id="a", role="assistant", text="Yes, three.", final=True),
    ]
    turn = {"number": 1, "tools": [], "interrupted": False, "caller_items": ["u"], "answer_items": ["a"]}
    told = hook(Event.TURN_ENDED, details=orjson.dumps({"turn": turn}).decode())
    found = data(compose(told, story(), history))["turn"]
    assert isinstance(found, dict)
    assert (found["said"], found["answer"], found["whole"]) == ("A Kestrel?", "Yes, three.", True)
    for silent in (compose(told, story(), None), compose(told, None, history)):
        found = data(silent)["turn"]
        assert isinstance(found, dict)
        assert (found["number"], found["said"], found["answer"]) == (1, None, None)


def test_a_tool_that_failed_is_its_agents() -> None:
    """Another agent may have the call by the time that it is told."""
    book = Notebook()
    Hooks(cast(Outbox, book), Keys(1), {Event.TOOL_FAILED}).tool_failed(
        CALL, "call_1", "look_up", "timed_out", agent="night"
    )

    added = book.sent[0]
    found = read_hook(to_dict(added.args[added.args.index(b"*") + 1 :]))
    assert orjson.loads(found.details)["agent"] == "night"
    assert data(compose(found, story(), None))["agent"] == "night"


def test_the_words_of_a_turn_are_looked_for_around_it() -> None:
    """Those of a whole call from its beginning on; so are those of a turn whose time a hand has written."""
    written = '{"turn": {"began_at_ms": %s}}'
    assert words_since_ms(hook(Event.TURN_ENDED, details=written % STARTED_MS)) == STARTED_MS - BEFORE_TURN_MS
    assert words_since_ms(hook(Event.ENDED, details=written % STARTED_MS)) == 0
    for odd in ('"x"', "null", "-5", "7"):
        assert words_since_ms(hook(Event.TURN_ENDED, details=written % odd)) == 0
