"""Rows of what is wrong outside of our processes: Redis, the model, Twilio, the link of a host.

Why it exists: the catalogue of faults has these too, and what is asked at the ear is the same. Owns: these
rows and their bounds. Pure. Must not know: how a fault is brought about, or how a figure is made.

Nobody has died in them: no call may change hands (`owners`), but for a host that vanishes, a session is no
owner. What a row may cost stands beside it: an outage is heard as long as it lasts, and clients come back up
to a second apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.faults import (
    Abandoned,
    Delayed,
    Fault,
    HostLost,
    Line,
    ModelAnswers,
    ModelLost,
    ModelRefuses,
    ModelSession,
    RedisFault,
    RedisIs,
    Role,
    Row,
    Step,
    Stopped,
)
from simulators.realtime.knobs import ResponseKnobs
from simulators.twilio import knobs as twilio
from simulators.twilio.knobs import Injection, Window

CALLS: Final = 10
NEIGHBOURS: Final = 1
"""Calls beside the one that is looked at, where nobody else may notice."""

OUTAGE_S: Final = 3.0
BACK_MS: Final = 1_500.0
"""After an outage of Redis."""

LOST_MS: Final = 100.0
"""Of `out`: the frames of a write that Redis had answered, and forgot before ingress read them."""

REFUSES_S: Final = 8.0
"""Longer than anybody bears silence: what is heard meanwhile is our own."""

SILENT_MOST_MS: Final = 4_500.0
PAUSED_S: Final = 5.0
DELAYED_MS: Final = 400.0
"""Each way: more than the lead that lies at Twilio."""

VANISHED_S: Final = 15.0
"""Long enough that it comes back when all has been taken from it."""

_SEEN_MS: Final = 2_000.0
"""A host that vanishes is seen to be dead after so long."""

_REST_MS: Final = 3_000.0
"""Ingress gives a call 1.5 s to come back by itself, then asks Twilio, which fetches and connects."""

_NEW_LEG: Final = Bounds(silence_ms=1_500.0, repeated_ms=300.0, skipped_ms=300.0, unsaid_ms=200.0, owners=1)
_UNHEARD: Final = Bounds(silence_ms=300.0, owners=1)
_SPOKEN_OVER: Final = Bounds(silence_ms=SILENT_MOST_MS, owners=1)
"""The answer is late; nobody is left without a sound."""

_LOST: Final = Bounds(silence_ms=300.0, with_opening=True, owners=1)

AT_MS: Final = 6_000.0
"""In the life of a stream: the greeting is over, or about to be."""

_REDIS: Final[tuple[tuple[str, RedisIs, float, Bounds], ...]] = (
    (
        "restarted",
        RedisIs.RESTARTED,
        0.0,
        Bounds(silence_ms=1_000 + BACK_MS, unsaid_ms=1_000.0, skipped_ms=LOST_MS, says_again=True),
    ),
    (
        "emptied",
        RedisIs.EMPTIED,
        0.0,
        Bounds(silence_ms=BACK_MS, unsaid_ms=1_000.0, skipped_ms=LOST_MS, says_again=True),
    ),
    ("frozen", RedisIs.FROZEN, OUTAGE_S, Bounds(silence_ms=1_000 * OUTAGE_S + BACK_MS, owners=1)),
    ("slow", RedisIs.SLOW, 6.0, Bounds(silence_ms=600.0, owners=1)),
    ("full", RedisIs.FULL, OUTAGE_S, Bounds(silence_ms=1_000 * OUTAGE_S + BACK_MS, owners=1)),
    ("read-only", RedisIs.READ_ONLY, OUTAGE_S, Bounds(silence_ms=1_000 * OUTAGE_S + BACK_MS, owners=1)),
    (
        "no-replicas",
        RedisIs.WITHOUT_REPLICAS,
        OUTAGE_S,
        Bounds(silence_ms=1_000 * OUTAGE_S + BACK_MS, owners=1),
    ),
    ("busy", RedisIs.BUSY, 2.0, Bounds(silence_ms=2_000 + BACK_MS, owners=1)),
    ("forgetful", RedisIs.FORGETFUL, 0.0, _UNHEARD),
    ("cut", RedisIs.CUT, OUTAGE_S, Bounds(silence_ms=BACK_MS, owners=1)),
    ("deleted", RedisIs.DELETED, 0.0, Bounds(silence_ms=1_000.0, skipped_ms=500.0, owners=1)),
)

_MODEL: Final[tuple[tuple[str, str, Fault, Step, Bounds], ...]] = (
    ("lost", "the model closes the session", ModelLost(1011), Step.MODEL, _LOST),
    ("dropped", "the model's connection goes without a word", ModelLost(1006), Step.MODEL, _LOST),
    (
        "expired",
        "the session reaches its limit",
        ModelSession({"session_limit_ms": 12_000.0}),
        Step.MODEL,
        _LOST,
    ),
    (
        "late-deltas",
        "audio goes on after a cancel",
        ModelAnswers(ResponseKnobs(stragglers=40)),
        Step.CALLER,
        _UNHEARD,
    ),
    (
        "flood",
        "audio comes thirty times as fast",
        ModelAnswers(ResponseKnobs(speed_factor=30)),
        Step.CALLER,
        _UNHEARD,
    ),
    (
        "trickle",
        "audio comes more slowly than it is heard",
        ModelAnswers(ResponseKnobs(speed_factor=0.7)),
        Step.MODEL,
        Bounds(silence_ms=1_500.0, owners=1),
    ),
    (
        "stalled",
        "audio stops in mid-word for 4 s",
        ModelAnswers(ResponseKnobs(stall_after_deltas=3, stall_ms=4_000)),
        Step.MODEL,
        _SPOKEN_OVER,
    ),
    (
        "endless",
        "response.done never comes",
        ModelAnswers(ResponseKnobs(lost_done=True)),
        Step.MODEL,
        _SPOKEN_OVER,
    ),
    (
        "stuck",
        "a cancel leads to nothing",
        ModelAnswers(ResponseKnobs(stuck_cancel=True)),
        Step.CALLER,
        _SPOKEN_OVER,
    ),
    ("empty", "no output", ModelAnswers(ResponseKnobs(no_output=True)), Step.MODEL, _SPOKEN_OVER),
    (
        "limited",
        "rate_limit_exceeded, try again in 2 s",
        ModelAnswers(ResponseKnobs(fail="rate_limit_exceeded", fail_retry_after_s=2)),
        Step.MODEL,
        _SPOKEN_OVER,
    ),
    (
        "unknown",
        "event types that nobody knows, items without an id",
        ModelAnswers(ResponseKnobs(unknown_events=True, item_id="missing")),
        Step.MODEL,
        _SPOKEN_OVER,
    ),
)

_LINE: Final[tuple[tuple[str, str, twilio.Knobs, Bounds], ...]] = (
    ("gone", "the socket goes without a word", twilio.Knobs(kill_at_ms=AT_MS), _NEW_LEG),
    (
        "half-open",
        "the socket is half open; the call moves on",
        twilio.Knobs(half_open=Window(AT_MS, 10_000)),
        _NEW_LEG,
    ),
    (
        "not-reading",
        "Twilio does not read for 2 s",
        twilio.Knobs(stalls=(Window(AT_MS, 2_000),), receive_buffer_bytes=4_096),
        Bounds(silence_ms=2_500.0, skipped_ms=2_000.0, owners=1),
    ),
    ("twice", "the webhook comes twice at once", twilio.Knobs(repeat_webhook="at_once"), _UNHEARD),
    ("second-start", "`start` comes twice", twilio.Knobs(second_start=True), _NEW_LEG),
    (
        "bursts",
        "the caller's audio comes in bursts",
        twilio.Knobs(bursts=tuple(Window(at_ms, 400) for at_ms in range(3_000, 12_000, 1_500))),
        Bounds(silence_ms=700.0, owners=1),
    ),
    (
        "garbage",
        "messages that are no JSON, binary ones, unknown ones, audio of other streams",
        twilio.Knobs(
            injections=(
                twilio.unknown_event(3_000),
                twilio.wrong_stream_sid(3_200),
                twilio.empty_payload(3_400),
                twilio.not_base64(3_600),
                twilio.not_json(AT_MS),
            )
        ),
        _NEW_LEG,
    ),
    ("oversize", "a message of 70 KiB", twilio.Knobs(injections=(twilio.oversize_frame(AT_MS),)), _NEW_LEG),
    (
        "marks",
        "no mark is ever echoed",
        twilio.Knobs(echo_marks=False),
        Bounds(silence_ms=1_000.0, owners=1),
    ),
    (
        "mark-flood",
        "marks that nobody set, 500 at once",
        twilio.Knobs(
            injections=(
                Injection(
                    AT_MS,
                    '{"event":"mark","sequenceNumber":"9","streamSid":"{stream_sid}","mark":{"name":"x"}}',
                    500,
                ),
            )
        ),
        _UNHEARD,
    ),
)

_FAR: Final[tuple[tuple[Role, Bounds], ...]] = (
    ("egress", Bounds(silence_ms=_SEEN_MS + 500, owners=2)),
    ("brain", Bounds(silence_ms=_SEEN_MS + 500, with_opening=True, owners=2)),
    ("ingress", replace(_NEW_LEG, silence_ms=_SEEN_MS + _REST_MS, unsaid_ms=_SEEN_MS + _REST_MS)),
)


def outer_rows() -> Iterator[Row]:
    """All of them; those on the same stack stand together."""
    yield from _of_one_call()
    yield from _redis()
    yield Row(
        name="model-refuses",
        text=f"all sessions are lost, and connections are refused for {REFUSES_S:.0f} s",
        fault=ModelRefuses(REFUSES_S),
        step=Step.CALLER,
        bounds=Bounds(silence_ms=SILENT_MOST_MS, owners=1),
        calls=CALLS,
        tier="full",
    )
    yield Row(
        name="network-delayed",
        text=f"each packet to and from Twilio comes {DELAYED_MS:.0f} ms later for {OUTAGE_S:.0f} s",
        fault=Delayed(DELAYED_MS, OUTAGE_S),
        step=Step.MODEL,
        # A turn goes there and its answer back; what is heard already stops once, for the way back.
        bounds=Bounds(silence_ms=2 * DELAYED_MS + 100.0, owners=1),
        calls=CALLS,
    )
    yield from _pauses()


def rows_of_settings() -> Iterator[Row]:
    """Those that want a stack of their own."""
    yield Row(
        name="abandoned",
        text="the only ingress is killed, all callers hang up meanwhile, and Twilio says so to nobody",
        fault=Abandoned(),
        step=Step.MODEL,
        bounds=Bounds(silence_ms=0.0, unsaid_ms=1e9, skipped_ms=1e9, ends_by_fault=True),
        calls=CALLS,
        only="ingress",
        base_line_s=100.0,
    )
    for role, bounds in _FAR:
        yield Row(
            name=f"vanished-{role}",
            text=f"the link of the host of one {role} is down for {VANISHED_S:.0f} s, nothing is closed",
            fault=HostLost(role, VANISHED_S),
            step=Step.MODEL,
            bounds=bounds,
            calls=2 * CALLS if role != "ingress" else CALLS,
            far=role,
        )


# Private.


def _of_one_call() -> Iterator[Row]:
    for name, text, fault, step, bounds in _MODEL:
        yield Row(
            name=f"model-{name}", text=text, fault=fault, step=step, bounds=bounds, calls=1 + NEIGHBOURS
        )
    for name, text, knobs, bounds in _LINE:
        yield Row(
            name=f"twilio-{name}",
            text=text,
            fault=Line(knobs),
            step=Step.MODEL,
            bounds=bounds,
            calls=1 + NEIGHBOURS,
        )


def _redis() -> Iterator[Row]:
    for name, kind, lasts_s, bounds in _REDIS:
        yield Row(
            name=f"redis-{name}",
            text=f"Redis is {kind}" + (f" for {lasts_s:.0f} s" if lasts_s else ""),
            fault=RedisFault(kind, lasts_s),
            step=Step.MODEL,
            bounds=bounds,
            calls=CALLS,
        )


def _pauses() -> Iterator[Row]:
    """Stopped and continued before the watchdog looks: half a second is nothing; after five its calls are
    others', and it lets go without a word."""
    found: tuple[tuple[Role, Bounds], ...] = (
        ("brain", Bounds(silence_ms=2_500.0, with_opening=True, owners=2)),
        ("egress", Bounds(silence_ms=2_500.0, owners=2)),
    )
    for role, taken in found:
        for name, lasts_s, step, bounds in (
            (f"blinked-{role}", 0.5, Step.MODEL, Bounds(silence_ms=700.0, owners=1)),
            (f"paused-{role}", PAUSED_S, Step.MODEL, taken),
            (f"paused-{role}-cut", PAUSED_S, Step.CALLER, taken),
        ):
            yield Row(
                name=name,
                text=f"{role} stands still for {lasts_s:g} s and goes on, one of two",
                fault=Stopped(role, lasts_s),
                step=step,
                bounds=bounds,
                calls=2 * CALLS,
            )
