"""The resume decision: every plan, and no loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.web.resume import Decision, Verb, decide
from shared.contract.card import CallState, Next, ResumeView


def card(
    planned: Next = Next.NOTHING,
    argument: str = "",
    *,
    state: CallState = CallState.DETACHED,
    resumes: int = 0,
) -> ResumeView:
    return ResumeView(
        state=state, next=planned, next_arg=argument, resumes=resumes, agent="", fallback=None
    )  # fmt: skip


def decision(found: ResumeView | None, *, tries: int = 1, **form: str) -> Decision:
    return decide(found, form, tries=tries, max_resumes=20)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Decision(Verb.STREAM)),
        (card(), Decision(Verb.STREAM)),
        (card(Next.APOLOGY), Decision(Verb.APOLOGISE, "", "apology")),
        (card(Next.APOLOGY, "x"), Decision(Verb.APOLOGISE, "x", "apology")),
        (card(Next.HANG_UP), Decision(Verb.HANG_UP, outcome="hangup")),
        (card(Next.DIAL, "+15550001111"), Decision(Verb.DIAL, "+15550001111")),
        (card(Next.DIAL, "sip:a@b.example"), Decision(Verb.DIAL, "sip:a@b.example")),
        (card(Next.DIAL, "+1<"), Decision(Verb.STREAM)),
        (card(Next.DIGITS, "1w2"), Decision(Verb.STREAM, "1w2")),
        (card(state=CallState.ENDED), Decision(Verb.HANG_UP)),
        (card(Next.APOLOGY, "x", state=CallState.ENDED), Decision(Verb.SAY, "x")),
        (card(Next.DIAL, "+15550001111", state=CallState.ENDED), Decision(Verb.HANG_UP)),
        (card(resumes=20), Decision(Verb.APOLOGISE, outcome="too_many_resumes")),
        (card(resumes=19), Decision(Verb.STREAM)),
    ],
)
def test_plans(found: ResumeView | None, expected: Decision) -> None:
    """The card decides."""
    assert decision(found) == expected


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_unanswered_dial_goes_on(status: str) -> None:
    """The same number is not dialled again."""
    assert decision(card(Next.DIAL, "+15550001111"), DialCallStatus=status) == Decision(Verb.STREAM)


def test_answered_dial_is_the_end() -> None:
    """The caller has talked to somebody else and is done with us."""
    assert decision(card(Next.DIAL), DialCallStatus="completed").outcome == "transferred"


@given(
    planned=st.sampled_from([Next.NOTHING, Next.DIGITS]),
    resumes=st.integers(0, 100),
    is_there=st.booleans(),
    tries=st.integers(21, 10**6),
)
def test_tries_end_every_loop(planned: Next, resumes: int, is_there: bool, tries: int) -> None:
    """Whatever the card says, past the bound no stream is opened."""
    found = card(planned, resumes=resumes) if is_there else None
    assert decision(found, tries=tries).verb is Verb.APOLOGISE


def test_plans_of_ours_stand_past_the_bound() -> None:
    """A transfer is still done after many resumes."""
    assert decision(card(Next.DIAL, "+15550001111"), tries=99).verb is Verb.DIAL
