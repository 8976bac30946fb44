"""The resume decision: every plan, and no loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.web.resume import Plan, Verb, decide


def plan(card: dict[str, str], *, tries: int = 1, **form: str) -> Plan:
    return decide(card, form, tries=tries, max_resumes=20)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({}, Plan(Verb.STREAM)),
        ({"next": ""}, Plan(Verb.STREAM)),
        ({"next": "resume"}, Plan(Verb.STREAM)),
        ({"next": "unheard of"}, Plan(Verb.STREAM)),
        ({"next": "say", "next_arg": "x"}, Plan(Verb.SAY, "x", "said")),
        ({"next": "apology"}, Plan(Verb.APOLOGISE, "", "apology")),
        ({"next": "hangup"}, Plan(Verb.HANG_UP, outcome="hangup")),
        ({"next": "dial", "next_arg": "+15550001111"}, Plan(Verb.DIAL, "+15550001111")),
        ({"next": "dial", "next_arg": "sip:a@b.example"}, Plan(Verb.DIAL, "sip:a@b.example")),
        ({"next": "dial", "next_arg": "+1<"}, Plan(Verb.STREAM)),
        ({"next": "digits", "next_arg": "1w2"}, Plan(Verb.STREAM, "1w2")),
        ({"state": "ended"}, Plan(Verb.HANG_UP)),
        ({"state": "ended", "next": "say", "next_arg": "x"}, Plan(Verb.SAY, "x")),
        ({"state": "ended", "next": "dial", "next_arg": "+15550001111"}, Plan(Verb.HANG_UP)),
        ({"resumes": "20"}, Plan(Verb.APOLOGISE, outcome="too_many_resumes")),
        ({"resumes": "19"}, Plan(Verb.STREAM)),
    ],
)
def test_plans(card: dict[str, str], expected: Plan) -> None:
    """The card decides."""
    assert plan(card) == expected


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_unanswered_dial_goes_on(status: str) -> None:
    """The same number is not dialled again."""
    card = {"next": "dial", "next_arg": "+15550001111"}
    assert plan(card, DialCallStatus=status) == Plan(Verb.STREAM)


def test_answered_dial_is_the_end() -> None:
    """The caller has talked to somebody else and is done with us."""
    assert plan({"next": "dial"}, DialCallStatus="completed").outcome == "transferred"


@given(
    card=st.fixed_dictionaries(
        {"next": st.sampled_from(["", "resume", "digits", "x"]), "resumes": st.text(max_size=3)}
    ),
    tries=st.integers(21, 10**6),
)
def test_tries_end_every_loop(card: dict[str, str], tries: int) -> None:
    """Whatever the card says, past the bound no stream is opened."""
    assert plan(card, tries=tries).verb is Verb.APOLOGISE


def test_plans_of_ours_stand_past_the_bound() -> None:
    """A farewell is still said after many resumes."""
    assert plan({"next": "say", "next_arg": "x"}, tries=99).verb is Verb.SAY
