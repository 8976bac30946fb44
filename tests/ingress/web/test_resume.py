"""The resume decision: every plan, and no loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.web.parties import read_parties
from ingress.web.resume import LEGS_UNKNOWN, Decision, Trail, Verb, decide, read_trail
from shared.contract.card import CallState, Next
from shared.contract.views import ResumeView

LINE, PERSON, DESK = "+15550002222", "+15550001111", "+15550003333"


def card(
    planned: Next = Next.NOTHING,
    argument: str = "",
    *,
    state: CallState = CallState.DETACHED,
    resumes: int = 0,
    outcome: str | None = None,
    language: str | None = None,
) -> ResumeView:
    return ResumeView(
        state=state, next=planned, next_arg=argument, next_language=language, resumes=resumes, agent="",
        fallback=None, outcome=outcome,
    )  # fmt: skip


def decision(
    found: ResumeView | None, dialled: str = "", *, trail: Trail | None = None, forwarded_by: str = ""
) -> Decision:
    parties = read_parties({"From": PERSON, "To": LINE, "ForwardedFrom": forwarded_by})
    return decide(found, parties, dialled, trail=trail or Trail(), max_resumes=20)


def ended(
    outcome: str, planned: Next = Next.NOTHING, argument: str = "", language: str | None = None
) -> ResumeView:
    return card(planned, argument, state=CallState.ENDED, outcome=outcome, language=language)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Decision(Verb.STREAM)),
        (card(), Decision(Verb.STREAM)),
        (card(Next.APOLOGY), Decision(Verb.APOLOGISE, "", "apology")),
        (card(Next.APOLOGY, "x"), Decision(Verb.APOLOGISE, "x", "apology")),
        (card(Next.APOLOGY, "x", language="he"), Decision(Verb.APOLOGISE, "x", "apology", language="he")),
        (card(Next.APOLOGY, language="he"), Decision(Verb.APOLOGISE, "", "apology")),
        (card(Next.HANG_UP), Decision(Verb.HANG_UP, outcome="hangup")),
        (card(Next.DIAL, "+15550003333"), Decision(Verb.DIAL, "+15550003333")),
        (card(Next.DIAL, "sip:a@b.example"), Decision(Verb.DIAL, "sip:a@b.example")),
        (card(Next.DIAL, "+1<"), Decision(Verb.STREAM)),
        (card(Next.DIGITS, "1w2"), Decision(Verb.STREAM, "1w2")),
        (card(resumes=20), Decision(Verb.APOLOGISE, outcome="too_many_resumes")),
        (card(resumes=19), Decision(Verb.STREAM)),
    ],
)
def test_plans(found: ResumeView | None, expected: Decision) -> None:
    """The card decides."""
    assert decision(found) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ended("hangup"), Decision(Verb.HANG_UP)),
        (ended("completed", Next.DIAL, DESK), Decision(Verb.HANG_UP)),
        (ended("apology", Next.APOLOGY), Decision(Verb.APOLOGISE)),
        (ended("card_unreadable", Next.APOLOGY, "x"), Decision(Verb.APOLOGISE, "x")),
        (ended("apology", Next.APOLOGY, "x", "he"), Decision(Verb.APOLOGISE, "x", language="he")),
        (ended("apology"), Decision(Verb.APOLOGISE)),
        (ended("too_many_resumes"), Decision(Verb.APOLOGISE)),
        (ended("no_stream"), Decision(Verb.APOLOGISE)),
        (ended("no_new_stream"), Decision(Verb.APOLOGISE)),
    ],
)
def test_a_webhook_that_is_asked_again_says_again_what_it_said(found: ResumeView, expected: Decision) -> None:
    """Its first answer was lost: who was to hear an apology hears it, and is not hung up on in silence."""
    assert decision(found) == expected


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_unanswered_dial_goes_on(status: str) -> None:
    """The same number is not dialled again, and the brain is told."""
    assert decision(card(Next.DIAL, DESK), status) == Decision(Verb.STREAM, dialled=status)


def test_answered_dial_is_the_end() -> None:
    """The caller has talked to somebody else and is done with us."""
    assert decision(card(Next.DIAL), "completed").outcome == "transferred"


@pytest.mark.parametrize(
    ("destination", "forwarded_by"),
    [(DESK, DESK), (DESK, "15550003333"), (LINE, ""), ("sip:+15550002222@x.example", "")],
)
def test_a_transfer_that_would_come_back_is_busy(destination: str, forwarded_by: str) -> None:
    """To whoever forwarded the call to us, or to ourselves: it would ring and come in again, call in call."""
    found = decision(card(Next.DIAL, destination), forwarded_by=forwarded_by)
    assert found == Decision(Verb.STREAM, dialled="busy")


@given(
    planned=st.sampled_from([Next.NOTHING, Next.DIGITS]),
    resumes=st.integers(0, 100),
    is_there=st.booleans(),
    tries=st.integers(21, 10**6),
)
def test_tries_end_every_loop(planned: Next, resumes: int, is_there: bool, tries: int) -> None:
    """Whatever the card says, past the bound no stream is opened."""
    found = card(planned, resumes=resumes) if is_there else None
    assert decision(found, trail=Trail(tries=tries, legs=LEGS_UNKNOWN)).verb is Verb.APOLOGISE


def test_plans_of_ours_stand_past_the_bound() -> None:
    """A transfer is still done after many resumes."""
    assert decision(card(Next.DIAL, DESK), trail=Trail(tries=99)).verb is Verb.DIAL


@pytest.mark.parametrize("found", [None, card(resumes=4)])
def test_streams_that_are_never_attached_end_in_words(found: ResumeView | None) -> None:
    """Each is refused for the same reason: three in a row are enough, at the first leg and at a later one."""
    trail = Trail(tries=7, legs=0 if found is None else 5)
    asked = []
    while decision(found, trail=trail).verb is Verb.STREAM:
        trail = read_trail(dict(each.split("=") for each in trail.streams(found).query()[1:].split("&")))
        asked.append(trail.unattached)
    assert asked == [1, 2]
    assert decision(found, trail=trail) == Decision(Verb.APOLOGISE, outcome="no_stream")


def test_a_stream_that_was_attached_begins_the_count_again() -> None:
    """A call that is moved from process to process is not given up."""
    trail = Trail(tries=5, legs=4, unattached=2)
    assert decision(card(resumes=4), trail=trail).verb is Verb.STREAM
    assert trail.streams(card(resumes=4)) == Trail(tries=6, legs=5)


def test_what_comes_back_from_a_dialled_number_says_nothing_of_streams() -> None:
    """No stream was opened in between, so none was refused."""
    trail = Trail(tries=5, legs=4, unattached=2).dials()
    assert read_trail({"n": str(trail.tries)}) == trail
    assert trail.streams(card(resumes=4)).unattached == 0


@pytest.mark.parametrize(
    ("trail", "query"),
    [
        (Trail(), ""),
        (Trail(tries=3, legs=2), "?n=3&l=2"),
        (Trail(tries=3, legs=2, unattached=1), "?n=3&l=2&s=1"),
        (Trail(agent="sales"), "?agent=sales"),
        (Trail(agent="a&b"), "?agent=a%26b"),
    ],
)
def test_a_url_carries_what_is_not_as_at_the_first_time(trail: Trail, query: str) -> None:
    """And no more: it stands in logs of proxies."""
    assert trail.query() == query


def test_a_query_that_is_no_number_is_as_at_the_first_time() -> None:
    """It is signed, and still nothing that it says may raise."""
    assert read_trail({"n": "x", "l": "-1", "s": "9" * 9, "agent": "a" * 99}) == Trail(agent="a" * 64)
