"""All kinds of silence that are tried, a row each.

Why it exists: this is the list that "nobody is left in silence" means. Owns: the rows. Pure. Must not know:
how a fault is brought about, or what is allowed.

A fault that lasts for good is the model's for this call, or the process's: a session that replaces a
half-open one is healthy. What loses the call's owner (a killed brain or egress, an emptied Redis) may end
with the apology; all else that passes within eight seconds ends with an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proofs.prove.silence.faults import (
    ONCE,
    At,
    HalfOpen,
    Healthy,
    Killed,
    Responses,
    Role,
    Row,
    Sessions,
    Stopped,
    Store,
    Story,
    Unreachable,
)
from simulators.realtime.knobs import ResponseKnobs

ROLES: tuple[Role, ...] = ("ingress", "brain", "egress")

PASSES_S = 6.5
"""How long what passes lasts, where the model and Redis are concerned."""

STOPPED_S = 5.0
RETRY_AFTER_S = 4.0
NEVER_MS = 1e9

_STORY = {At.TOOL: Story.TOOL, At.FAREWELL: Story.FAREWELL}

_NOTHING = ResponseKnobs(unanswered=True)
_FAILED = ResponseKnobs(fail="server_error")

_SPOKEN = (At.GREETING, At.TURN, At.TOOL, At.FAREWELL)
"""Where the model owes words."""


def rows() -> list[Row]:
    """All of them, those that need a stack of their own last."""
    found = [*_healthy(), *_responses(), *_halves(), *_sessions(), *_callers(), *_processes(), *_store()]
    return [row for row in found if not row.is_alone] + [row for row in found if row.is_alone]


def chosen(patterns: list[str] | None) -> list[Row]:
    """The rows whose name has one of the patterns in it. Raises ValueError where a pattern fits none."""
    found = rows()
    for pattern in patterns or ():
        if not any(pattern in row.name for row in found):
            raise ValueError(f"expected a part of the name of a row (--list), got {pattern!r}")
    return [row for row in found if not patterns or any(pattern in row.name for pattern in patterns)]


# Private.


def _healthy() -> Iterator[Row]:
    text = "nothing is wrong"
    yield Row(name="healthy", text=text, fault=Healthy(), at=At.GREETING)
    for story in (Story.TOOL, Story.PREAMBLE, Story.FAREWELL, Story.INTERRUPTS, Story.KEYS):
        yield Row(
            name=f"healthy_{story.name.lower()}", text=text, fault=Healthy(), at=At.GREETING, story=story
        )


def _response_row(name: str, text: str, knobs: ResponseKnobs, at: At, lasts_s: float | None = ONCE) -> Row:
    return Row(
        name=f"{name}_{at}",
        text=text,
        fault=Responses(knobs),
        at=at,
        lasts_s=lasts_s,
        story=_STORY.get(at, Story.TWO_TURNS),
        may_apologise=lasts_s is None,
    )


def _responses() -> Iterator[Row]:
    """The model, one response after another."""
    limited = ResponseKnobs(fail="rate_limit_exceeded", fail_retry_after_s=RETRY_AFTER_S)
    empty = ResponseKnobs(no_output=True)
    for at in _SPOKEN:
        yield _response_row("unanswered", "nothing comes of it: no response is made", _NOTHING, at)
        yield _response_row("no_output", "`completed` without any output", empty, at)
        yield _response_row("failed", "every response `failed`: server_error", _FAILED, at, PASSES_S)
        yield _response_row("failed_for_good", "every response `failed`: server_error", _FAILED, at, None)
        yield _response_row(
            "limited",
            f"`failed`: rate_limit_exceeded, try again in {RETRY_AFTER_S:g} s",
            limited,
            at,
            RETRY_AFTER_S,
        )
        soft = ResponseKnobs(silent_audio=True)
        yield _response_row("inaudible", "`completed`, its audio below -60 dBFS", soft, at)
        text = "the answer is a text part (`text`)"
        yield _response_row("text_part", text, ResponseKnobs(text_part=True), at)
    for at in (At.GREETING, At.TURN):
        yield _response_row("unanswered_for_good", "no response is ever made", _NOTHING, at, None)
        yield _response_row("no_output_for_good", "all are `completed` without output", empty, at, None)
        slow = ResponseKnobs(first_audio_ms=6_000.0)
        yield _response_row("slow", "first audio after 6 s", slow, at)
        limit = ResponseKnobs(incomplete="max_output_tokens", incomplete_after_deltas=0)
        yield _response_row("token_limit", "`incomplete`: max_output_tokens, no sound", limit, at)


def _halves() -> Iterator[Row]:
    """The model, in the middle of a response, or with less than one."""
    at = At.TURN
    yield _response_row(
        "inaudible_for_good", "all audio below -60 dBFS", ResponseKnobs(silent_audio=True), at, None
    )
    filtered = ResponseKnobs(incomplete="content_filter", incomplete_after_deltas=0)
    yield _response_row("filtered", "`incomplete`: content_filter, no sound", filtered, at)
    half = ResponseKnobs(incomplete="max_output_tokens")
    yield _response_row("half_a_sentence", "`incomplete`: max_output_tokens, in mid-sentence", half, at)
    half = ResponseKnobs(incomplete="content_filter")
    yield _response_row("half_filtered", "`incomplete`: content_filter, in mid-sentence", half, at)
    half = ResponseKnobs(fail="server_error", fail_after_deltas=6)
    yield _response_row("failed_midway", "`failed` in mid-sentence: server_error", half, at)
    other = ResponseKnobs(text_part=True, text_part_type="output_text")
    yield _response_row("output_text", "the answer is a text part (`output_text`)", other, at)
    stalled = ResponseKnobs(stall_after_deltas=5, stall_ms=PASSES_S * 1000)
    yield _response_row("stalled", f"audio stops in mid-word for {PASSES_S:g} s", stalled, at)
    ceased = ResponseKnobs(stall_after_deltas=5, stall_ms=NEVER_MS)
    row = _response_row("ceased", "audio stops in mid-word, `response.done` never comes", ceased, at)
    yield replace(row, may_apologise=True)
    late = ResponseKnobs(first_audio_ms=30_000.0)
    for at in (At.GREETING, At.TURN):
        row = _response_row("late", "first audio after 30 s", late, at)
        yield replace(row, may_apologise=True)
    refused = ResponseKnobs(reject_create="without_event_id", reject_code="rate_limit_exceeded")
    for at in (At.GREETING, At.TOOL):
        text = "the create is refused: rate_limit_exceeded, no event_id"
        yield _response_row("refused", text, refused, at, RETRY_AFTER_S)
    text = "a create is never answered (the brain asks for turns)"
    asks = _response_row("create_unanswered", text, _NOTHING, At.TURN)
    yield replace(asks, agent="asks")
    text = "every response `failed`, idle prompts are on"
    prompts = _response_row("failed_prompts", text, _FAILED, At.TURN, None)
    yield replace(prompts, agent="prompts")


def _sessions() -> Iterator[Row]:
    """The model, one connection after another."""
    for at in (At.IDLE, At.SPEAKING, At.WAITING, At.REPLY):
        text = "half-open model socket"
        yield Row(name=f"half_open_{at}", text=text, fault=HalfOpen(), at=at, lasts_s=None)
        yield Row(name=f"half_open_passes_{at}", text=text, fault=HalfOpen(), at=at, lasts_s=PASSES_S)
    never = Sessions({"unanswered_updates": 1_000})
    closed = Sessions({"connect_status": 503})
    hanging = Sessions({"opening_ms": NEVER_MS})
    for at in (At.GREETING, At.WAITING):
        text = "`session.update` is not answered"
        yield Row(name=f"update_unanswered_{at}", text=text, fault=never, at=at, lasts_s=PASSES_S)
        text = "sessions are refused with 503"
        yield Row(name=f"session_refused_{at}", text=text, fault=closed, at=at, lasts_s=PASSES_S)
        text = "the upgrade is not answered"
        yield Row(name=f"upgrade_unanswered_{at}", text=text, fault=hanging, at=at, lasts_s=PASSES_S)
        text = "connections to the model are refused"
        yield Row(name=f"unreachable_{at}", text=text, fault=Unreachable(), at=at, lasts_s=PASSES_S)
        yield Row(
            name=f"unreachable_for_good_{at}",
            text=text,
            fault=Unreachable(),
            at=at,
            lasts_s=None,
            may_apologise=True,
        )
    yield Row(
        name="update_unanswered_for_good",
        text="`session.update` is never answered",
        fault=never,
        at=At.GREETING,
        lasts_s=None,
        may_apologise=True,
    )
    lost = Sessions()
    for at in (At.WAITING, At.REPLY):
        yield Row(name=f"session_lost_{at}", text="the session is lost", fault=lost, at=at)


def _callers() -> Iterator[Row]:
    """What callers do beside answering."""
    lost_done = ResponseKnobs(lost_done=True)
    stuck = ResponseKnobs(stuck_cancel=True)
    for name, knobs, text in (
        ("done_missing", lost_done, "the caller interrupts; `response.done` is missing"),
        ("stuck_cancel", stuck, "the caller interrupts; the response never ends and blocks all others"),
    ):
        row = _response_row(name, text, knobs, At.TURN)
        yield replace(row, name=name, story=Story.INTERRUPTS)
    yield replace(
        _response_row(
            "hello", "no response is ever made; the caller says hello? every 3 s", _NOTHING, At.TURN, None
        ),
        name="hello_every_three_seconds",
        story=Story.HELLO,
    )
    yield Row(
        name="hello_to_nobody",
        text="connections to the model are refused; the caller says hello? every 3 s",
        fault=Unreachable(),
        at=At.IDLE,
        lasts_s=None,
        story=Story.HELLO,
        may_apologise=True,
    )
    for name, knobs, text in (
        ("unanswered", _NOTHING, "nothing comes of a key"),
        ("failed", _FAILED, "the answer to a key `failed`"),
    ):
        row = _response_row(name, text, knobs, At.IDLE)
        yield replace(row, name=f"{name}_keys", story=Story.KEYS)
    row = _response_row(
        "no_output",
        "words, a tool, and its answer `completed` without output",
        ResponseKnobs(no_output=True),
        At.TOOL,
    )
    yield replace(row, name="no_output_preamble", story=Story.PREAMBLE)


def _processes() -> Iterator[Row]:
    for role in ROLES:
        for at in (At.GREETING, At.WAITING, At.REPLY, At.TOOL, At.FAREWELL):
            yield Row(
                name=f"{role}_killed_{at}",
                text=f"{role} is killed",
                fault=Killed(role),
                at=at,
                story=_STORY.get(at, Story.TWO_TURNS),
                may_apologise=role != "ingress",
            )
        for at in (At.GREETING, At.WAITING, At.REPLY):
            stopped = Row(
                name=f"{role}_stopped_{at}",
                text=f"{role} stands still (SIGSTOP)",
                fault=Stopped(role),
                at=at,
                lasts_s=STOPPED_S,
            )
            yield stopped
            yield replace(stopped, name=f"{role}_stopped_for_good_{at}", lasts_s=None, may_apologise=True)


def _store() -> Iterator[Row]:
    for store in (Store.FULL, Store.MISCONF, Store.NO_REPLICAS, Store.FROZEN):
        for at in (At.WAITING, At.REPLY):
            row = Row(
                name=f"redis_{store.name.lower()}_{at}",
                text=f"Redis: {store}",
                fault=store,
                at=at,
                lasts_s=PASSES_S,
            )
            yield row
            yield replace(
                row, name=f"redis_{store.name.lower()}_for_good_{at}", lasts_s=None, may_apologise=True
            )
    for store in (Store.EMPTIED, Store.RESTARTED):
        for at in (At.GREETING, At.WAITING, At.REPLY):
            yield Row(
                name=f"redis_{store.name.lower()}_{at}",
                text=f"Redis: {store}",
                fault=store,
                at=at,
                may_apologise=True,
            )
