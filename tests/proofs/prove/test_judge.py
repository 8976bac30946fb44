"""The judgement of conversations, on records written by hand."""

from __future__ import annotations

from proofs.prove.judge import Figures, judge_call, sessions_of
from simulators.realtime.record import ItemRecord, ResponseRecord, SessionRecord, Truncation
from simulators.twilio.record import CallRecord
from tests.support.record_samples import (
    audio,
    call,
    clears,
    ends,
    hears,
    line,
    receives,
    sends,
    session,
    speaks,
    utters,
)


def judged(
    caller: CallRecord, *own: SessionRecord, journal: list[object] | None = None
) -> tuple[Figures, list[str]]:
    figures = Figures()
    ends(caller, 60_000)
    strange = judge_call(figures, caller, own, journal or [])  # type: ignore[arg-type]
    return figures, strange


def test_a_whole_conversation_is_not_strange() -> None:
    """What was said was heard, and what was heard was answered."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 10))
    model.items["turn"] = ItemRecord("turn", "user", None)
    utters(caller, 500, 1500)
    hears(caller, audio(1, 10), 2000)
    caller.playout.advance(5000)
    figures, strange = judged(caller, model)

    assert strange == []
    assert (figures.calls, figures.sessions, figures.items, figures.utterances) == (1, 1, 1, 1)


def test_sessions_belong_to_the_call_in_their_header() -> None:
    """All of them, in order."""
    mine, other, second = session(1), session(2, call_sid="CA10"), session(3)
    assert sessions_of(call("CA1"), [mine, other, second]) == [mine, second]


def test_a_call_without_a_session_is_strange() -> None:
    """And nothing else can be said of it."""
    figures, strange = judged(call())
    assert strange == ["no session"]
    assert figures.failures == ["CA1 had no session"]


def test_what_went_wrong_is_named() -> None:
    """Each kind by its words."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 10))
    utters(caller, 500, 1500)
    hears(caller, audio(1, 4), 2000)
    caller.playout.advance(5000)
    ends(caller, 60_000, "bridge_hung_up")
    figures = Figures()

    assert judge_call(figures, caller, [model], []) == ["ended early", "lost turn", "not heard whole"]


def test_words_heard_twice_are_found() -> None:
    """An item that was said once and heard again."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 20))
    hears(caller, audio(1, 20), 0)
    hears(caller, audio(1, 20), 5000)
    caller.playout.advance(10_000)
    figures, strange = judged(caller, model)

    assert strange == ["heard again"]
    assert figures.repeated == ["CA1: audio of 1 items was heard 2 times"]


def test_two_utterances_with_hardly_a_pause_are_one_turn() -> None:
    """A detector of silence cannot tell them apart."""
    caller, model = call(), session()
    model.items["turn"] = ItemRecord("turn", "user", None)
    utters(caller, 0, 1000)
    utters(caller, 1500, 2500)

    figures, _ = judged(caller, model)
    assert (figures.utterances, figures.lost_turns) == (1, 0)


def interrupted(audio_end_ms: int) -> Figures:
    """An item of 400 ms that was cleared after 100 ms, and truncated at this."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 20))
    hears(caller, audio(1, 20), 1000)
    clears(caller, 1100)
    model.truncations.append(Truncation(1110, "item_a", audio_end_ms, 400.0))
    receives(model, "conversation.item.truncate", at_ms=1110, item_id="item_a")
    return judged(caller, model)[0]


def test_a_truncation_may_not_claim_more_than_was_heard() -> None:
    """A frame more is within the error of two clocks."""
    assert interrupted(120).truncations_above_heard == []
    assert interrupted(121).truncations_above_heard == ["CA1: truncated at 121 ms, heard 100 ms"]


def test_a_truncation_without_a_clear_cannot_be_judged() -> None:
    """Nobody knows how much was heard by then."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 20))
    model.truncations.append(Truncation(1110, "item_a", 100, 400.0))

    assert judged(caller, model)[0].truncations_unjudged == 1


def calls_a_tool(model: SessionRecord, call_id: str, at_ms: float) -> None:
    item = {"type": "function_call", "status": "completed", "call_id": call_id}
    sends(model, "response.output_item.done", at_ms=at_ms, item=item, response_id="resp_1")


def test_each_tool_call_gets_one_output() -> None:
    """One batch of two: an output is missing, the other was sent twice; a late call does not count."""
    caller, model = call(), session()
    for call_id, at_ms in (("c1", 1000), ("c2", 1000), ("late", 58_000)):
        calls_a_tool(model, call_id, at_ms)
    output = {"type": "function_call_output", "call_id": "c1"}
    for event_id in ("e1", "e2", "e-seed-1"):
        receives(model, "conversation.item.create", item=output, event_id=event_id)
    response = ResponseRecord("resp_2", 2, "client", {"trunkline_reason": "tool_outputs"}, False, 0.0)
    model.responses["resp_2"] = response
    figures, strange = judged(caller, model)

    assert (figures.tool_calls, figures.tool_outputs, figures.outputs_twice) == (2, 1, 1)
    assert (figures.tool_batches, figures.tool_creates) == (1, 1)
    assert strange == ["output twice", "tool call without output"]


def test_an_operators_words_are_spoken_or_accounted_for() -> None:
    """By the number of the wish: spoken, joined to another one, or lost."""
    journal: list[object] = [
        line("response_create", 1000, wish=1, reason="operator"),
        line("response_created", 1100, wish=1),
        line("response_deferred", 2000, wish=2, reason="operator"),
        line("response_deferred", 3000, wish=3, reason="operator", joined=2),
        line("response_expired", 40_000, wish=3),
        line("response_create", 41_000, wish=4, reason="operator"),
        line("response_create", 59_000, wish=5, reason="operator"),
        line("ended", 60_000),
    ]
    figures, strange = judged(call(), session(), journal=journal)

    assert (figures.operator_said, figures.operator_spoken) == (5, 1)
    assert figures.operator_lost == ["CA1: wish 4, response_create 19000 ms ago"]
    assert strange == ["operator lost"]


def test_changes_of_session_are_counted_and_timed() -> None:
    """From the end of one to the confirmation of the next."""
    first, second = session(1), session(2)
    first.closed_at_ms, first.close_code = 20_000.0, 1001
    sends(second, "session.updated", at_ms=20_300)
    figures, strange = judged(call(), first, second, journal=[line("rollover", 20_000)])

    assert (figures.rollovers, figures.expired, figures.gap_ms) == (1, 1, [300])
    assert strange == ["session expired"]
    assert figures.row(figures.gap_ms) == "300, 300, 300"
