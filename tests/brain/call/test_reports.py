"""Control messages become inputs; people type some of them."""

from __future__ import annotations

import pytest

from brain.call.reports import read_report, why_refused
from brain.sequencer import Reason, inputs
from shared.ownership.control import ControlMessage


def message(kind: str, **fields: str) -> ControlMessage:
    return ControlMessage("1-0", kind, "operator", "", None, fields)


def test_flushed_carries_what_was_heard_of_each_item() -> None:
    """A JSON list, other fields ignored."""
    items = '[{"item":"i1","response":"r1","received_ms":900,"heard_ms":640}]'

    found = read_report(message("flushed", cut="3", items=items))

    assert found == inputs.Flushed(cut=3, items=(inputs.FlushedItem(item_id="i1", heard_ms=640.0),))


@pytest.mark.parametrize("items", ["", "{}", "[1]", "nonsense", '[{"heard_ms": "-5"}]'])
def test_a_broken_flushed_is_still_a_flushed(items: str) -> None:
    """The wait ends; the last known playhead counts."""
    found = read_report(message("flushed", cut="3", items=items))

    assert isinstance(found, inputs.Flushed)


def test_reports_of_the_ear() -> None:
    """audible, heard, silent."""
    ids = {"cut": "1", "response": "r", "item": "i", "heard_ms": "20"}

    assert read_report(message("audible", **ids)) == inputs.Audible(
        cut=1, response_id="r", item_id="i", heard_ms=20.0
    )
    assert read_report(message("heard", **ids)) == inputs.Heard(
        cut=1, response_id="r", item_id="i", heard_ms=20.0
    )
    assert read_report(message("silent", cause="flushed", **ids)) == inputs.Silent(
        cut=1, response_id="r", item_id="i", heard_ms=20.0, cause="flushed"
    )


def test_an_operators_say_may_force() -> None:
    """By any of the words people type."""
    found = read_report(message("say", text=" hello ", force="yes"))

    assert found == inputs.WishToSpeak(reason=Reason.OPERATOR, text="hello", force=True)


def test_an_empty_say_is_nothing() -> None:
    """There is nothing to say."""
    assert read_report(message("say")) is None


def test_an_operators_hangup_has_no_farewell() -> None:
    """Unless one is typed."""
    assert read_report(message("hangup")) == inputs.HangUpWished(cause="operator")
    assert read_report(message("hangup", farewell="bye")) == inputs.HangUpWished(
        cause="operator", farewell="bye"
    )


def test_what_is_not_for_the_sequencer_is_none() -> None:
    """The call handles it."""
    assert read_report(message("dtmf", digit="1")) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (message("say"), "expected a field text"),
        (message("say", text="  "), "expected a field text"),
        (message("hang up"), "expected one of say, hangup as the kind"),
        (message(""), "expected a field kind"),
    ],
)
def test_what_an_operator_mistypes_is_refused_in_words(given: ControlMessage, words: str) -> None:
    """In the journal, where they will look."""
    assert read_report(given) is None
    assert words in why_refused(given)


def test_an_owners_message_is_never_refused() -> None:
    """A newer version may say things that this one does not know."""
    assert why_refused(ControlMessage("1-0", "novelty", "egress-0@h#1", "7", 3, {})) == ""
