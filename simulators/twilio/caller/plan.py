"""What the caller will do: a list of steps.

Why it exists: a call in a test reads like a conversation: wait for speech, speak, interrupt, press 5, hang
up. Owns: the steps and their time limits as plain data; `conduct` carries them out. Must not know: what a
call is made of. Durations are milliseconds. Every step that waits has a limit; passing it fails the plan.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from simulators.twilio.caller.clip import Clip

CALLER_NUMBER: Final = "+15550001111"
CALLED_NUMBER: Final = "+15550002222"


@dataclass(frozen=True, slots=True)
class WaitForSpeech:
    """Waits until the bridge begins a reply that the caller has not yet waited for.

    A reply that began while the caller was speaking counts too.
    """

    limit_ms: float = 15_000


@dataclass(frozen=True, slots=True)
class WaitForSilence:
    """Waits until nothing has been played for `quiet_ms`."""

    quiet_ms: float = 700
    limit_ms: float = 60_000


@dataclass(frozen=True, slots=True)
class Speak:
    """Says the clip; with `wait` false the next step runs while it is being said."""

    clip: Clip
    wait: bool = True


@dataclass(frozen=True, slots=True)
class InterruptAfter:
    """Speaks into the bridge's reply once it has played for `played_ms`."""

    played_ms: float
    clip: Clip
    limit_ms: float = 15_000


@dataclass(frozen=True, slots=True)
class Dtmf:
    """Presses these keys, one every `spacing_ms`."""

    digits: str
    spacing_ms: float = 200

    def __post_init__(self) -> None:
        wrong = set(self.digits) - set("0123456789*#ABCD")
        if wrong or not self.digits:
            raise ValueError(f"expected digits 0-9 * # A-D, got {self.digits!r}")


@dataclass(frozen=True, slots=True)
class Pause:
    """Does nothing for this long."""

    ms: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Ends the call. A plan that runs out of steps hangs up too."""


@dataclass(frozen=True, slots=True)
class WaitForEnd:
    """Waits until the bridge ends the call."""

    limit_ms: float = 30_000


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Waits until something outside the call is true; `what` names it in the failure."""

    condition: Callable[[], bool]
    what: str
    limit_ms: float = 15_000


@dataclass(frozen=True, slots=True)
class Do:
    """Runs a function at this point of the call; it must not block."""

    action: Callable[[], object]


Step = (
    WaitForSpeech
    | WaitForSilence
    | Speak
    | InterruptAfter
    | Dtmf
    | Pause
    | HangUp
    | WaitForEnd
    | WaitUntil
    | Do
)


class Handset(Protocol):
    """A telephone in somebody's hand: what is said into it goes beside the plan's own words, and what the
    caller hears comes out of it. Both are asked once in 20 ms and must not block."""

    def take(self) -> bytes:
        """20 ms of µ-law that were said; silence where nothing was."""

    def give(self, audio: bytes) -> None:
        """What the caller has heard since the last time, µ-law; empty while nothing plays."""


@dataclass(frozen=True, slots=True)
class DialOutcome:
    """How the other number answers a `<Dial>`."""

    status: str = "completed"
    """completed, busy, no-answer, failed, canceled: DialCallStatus."""
    ms: float = 500


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One caller: who calls, what they do, how long at most."""

    steps: Iterable[Step]
    from_number: str = field(default=CALLER_NUMBER, repr=False)
    to_number: str = field(default=CALLED_NUMBER, repr=False)
    status_callback: str | None = None
    """Where the end of the call is posted (`/call-status`)."""
    fallback_url: str | None = None
    """Asked when the voice webhook fails."""
    hang_up_after_ms: float | None = None
    """The caller hangs up this long after the answer, in whatever step."""
    stop_at_failure: bool = True
    """Hangs up and raises `PlanFailed` at the first step that fails; else notes it and goes on."""
    dials: Sequence[DialOutcome] = (DialOutcome(),)
    """Outcome of the first `<Dial>`, the second, …; the last one repeats."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """More form fields of the voice webhook, or other values for the usual ones."""
    handset: Handset | None = None
    """Who speaks for themselves; the steps may then be no more than a wait for the end."""


def conversation(
    clips: Sequence[Clip],
    *,
    seed: int,
    barge_in_share: float = 0.0,
    reply_limit_ms: float = 15_000,
    pause_ms: tuple[float, float] = (200, 900),
) -> Iterator[Step]:
    """Endless talk for load: listens, pauses, speaks, and now and then interrupts.

    For plans with `hang_up_after_ms` and `stop_at_failure=False`. `barge_in_share` is the share of replies
    that the caller interrupts, 0 to 1.
    """
    chance = random.Random(seed)
    while True:
        if chance.random() < barge_in_share:
            yield InterruptAfter(chance.uniform(300, 2000), chance.choice(clips), reply_limit_ms)
        else:
            yield WaitForSpeech(reply_limit_ms)
            yield WaitForSilence(700)
            yield Pause(chance.uniform(*pause_ms))
            yield Speak(chance.choice(clips))
