"""Whose fault is it? The rule that turns a window's figures into a verdict, and when a warning is written.

Why it exists: a caller who waits has one of seven causes, and their symptoms look alike: a model that is
slow, a Twilio that takes nothing, a process of ours that does not get to run, a Redis that does not answer,
one that refuses writes. The rule is the same for logs, cards and alerts. Owns: thresholds, their order,
hysteresis, which backlogs are worth a line of their own. Pure. Must not know: where figures come from.

The order matters, because a cause further up produces the symptoms of those below:

    1. redis_refuses a commit of any of the call's processes took REDIS_MS longer than its loop was late, and
                     Redis refused writes of one of them meanwhile
       redis_slow    the same, and it refused none
    2. cpu(role)     a loop was CPU_MS late, or a role's figures are older than two windows
    3. twilio_slow   while audio plays, UNSENT_BYTES are unsent, or the oldest mark is WS_BLOCK_MS overdue and
                     ingress confirms frames: where it says nothing, a missing mark is not Twilio's
    4. model_slow    the model owed something and said nothing for MODEL_QUIET_MS, or the reply ran dry
                     inside an item
    5. owed          none of these, and yet the caller has heard nothing for OWED_MS while sound is owed
    6. ok
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.contract.worker import ROLES
from shared.figures.rolling import WINDOW_MS

REDIS_MS = 200.0
"""A commit takes 1 to 5 ms; on the way there and back a fifth of a second is more than the lead covers."""

CPU_MS = 150.0
"""A loop this late has used up half the lead of 300 ms: the next stalls may be heard."""

STALE_MS = 2 * WINDOW_MS
WS_BLOCK_MS = 500.0
"""A mark comes back within a round trip of when its audio was played."""

UNSENT_BYTES = 8_000
"""Half a second of frames as Twilio's messages: more than any healthy socket holds back."""

MODEL_QUIET_MS = 2_000.0
"""The first audio comes after 0.3 to 1.2 s; callers start to wonder after two."""

OWED_MS = 4_000
"""The caller hears the hold clip by then. Whoever of the others is to blame was named before."""

CALLER_Q_FRAMES = 150
"""Three seconds of a caller's words that the model has not got: more than a new session needs."""

REPLY_Q_MS = 300_000.0
"""Half of the ten minutes that `reply` holds."""

CALM_MS = 2 * WINDOW_MS
"""An episode is over when nothing was wrong for this long."""

OK = "ok"
MODEL_SLOW, TWILIO_SLOW, OWED = "model_slow", "twilio_slow", "owed"
REDIS_SLOW, REDIS_REFUSES = "redis_slow", "redis_refuses"
VERDICTS = (
    *(OK, MODEL_SLOW, TWILIO_SLOW, REDIS_SLOW, REDIS_REFUSES, OWED),
    *(f"cpu({role})" for role in ROLES),
)
"""Every word that a verdict can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFigures:
    """What a role says of its process; None for what it did not say, or not so that it can be read."""

    role: str
    lag_ms: float | None
    redis_ms: float | None
    age_ms: float = 0.0
    """Since its figures last changed, as the observer saw it."""
    redis_refusal: str = ""
    """The first word of what Redis refused its writes with; empty: with nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One window of one call. Frames of 20 ms; None for what nobody said: it blames nobody, and a window in
    which nothing else is wrong is `ok`; the log's `contract_error` says that a figure could not be read."""

    roles: tuple[RoleFigures, ...]
    """Only those that the call has at present."""
    is_playing: bool
    """Audio was on its way to the caller."""
    is_confirmed: bool = True
    """Ingress says how far it came with our frames."""
    tx_q_frames: int = 0
    tx_q_age_ms: float = 0.0
    reply_q_ms: float = 0.0
    caller_q_frames: int = 0
    tx_fps: float = 0.0
    sent_frames: int = 0
    window_ms: float = 0.0
    ws_block_ms: float = 0.0
    unsent_bytes: int = 0
    write_p99_ms: float | None = None
    delta_rate: float | None = None
    """Milliseconds of audio that the model made in each second."""
    model_quiet_ms: float | None = None
    starved: int = 0
    """Times that the reply ran dry inside an item."""
    late: int = 0
    """Frames that left behind their due time."""
    ai_speaking: str = ""
    owed_ms: int = 0
    """Silence that the caller has heard while sound was owed, by ingress's word; 0: none is owed."""
    owed_cause: str = ""
    drops: Mapping[str, int] = field(default_factory=dict)
    """By cause, those that somebody counted."""

    def of(self, role: str) -> RoleFigures | None:
        """What a role said."""
        return next((each for each in self.roles if each.role == role), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`name`, and in `why` and `figure` what decided it."""

    name: str
    why: str = ""
    figure: float = 0.0
    times_limit: float = 0.0
    """`figure` by its threshold: tells the worse of two causes, whatever their units."""

    @property
    def is_ok(self) -> bool:
        return self.name == OK


def judge(figures: Figures) -> Verdict:
    """The verdict on a window, by the order above."""
    told = [
        (each.role, each.lag_ms, each.redis_ms)
        for each in figures.roles
        if each.lag_ms is not None and each.redis_ms is not None
    ]
    if told:
        role, lag_ms, redis_ms = max(told, key=lambda each: each[2] - each[1])
        if redis_ms - lag_ms >= REDIS_MS:
            why = f"{role} waited {redis_ms:.0f} ms for a commit"
            refusal = next((each.redis_refusal for each in figures.roles if each.redis_refusal), "")
            if refusal:
                return _blame(REDIS_REFUSES, redis_ms, REDIS_MS, f"{why}: Redis refuses writes, {refusal}")
            return _blame(REDIS_SLOW, redis_ms, REDIS_MS, why)
        role, lag_ms, _ = max(told, key=lambda each: each[1])
        if lag_ms >= CPU_MS:
            return _blame(f"cpu({role})", lag_ms, CPU_MS, f"its loop was {lag_ms:.0f} ms late")
    stale = max(figures.roles, key=lambda each: each.age_ms, default=None)
    if stale is not None and stale.age_ms > STALE_MS:
        why = f"no figures for {stale.age_ms / 1000:.0f} s"
        return _blame(f"cpu({stale.role})", stale.age_ms, STALE_MS, why)
    if figures.is_playing and figures.is_confirmed and figures.ws_block_ms >= WS_BLOCK_MS:
        why = f"a mark is {figures.ws_block_ms:.0f} ms overdue"
        return _blame(TWILIO_SLOW, figures.ws_block_ms, WS_BLOCK_MS, why)
    if figures.is_playing and figures.unsent_bytes >= UNSENT_BYTES:
        why = f"{figures.unsent_bytes} bytes are unsent"
        return _blame(TWILIO_SLOW, figures.unsent_bytes, UNSENT_BYTES, why)
    if figures.model_quiet_ms is not None and figures.model_quiet_ms >= MODEL_QUIET_MS:
        why = f"it said nothing for {figures.model_quiet_ms:.0f} ms"
        return _blame(MODEL_SLOW, figures.model_quiet_ms, MODEL_QUIET_MS, why)
    if figures.starved:
        why = f"the reply ran dry {figures.starved} times inside an item"
        return _blame(MODEL_SLOW, figures.starved, 1, why)
    if figures.owed_ms >= OWED_MS:
        why = f"the caller has heard nothing for {figures.owed_ms} ms: {figures.owed_cause}"
        return _blame(OWED, figures.owed_ms, OWED_MS, why)
    return Verdict(OK)


def backlog(figures: Figures) -> Verdict:
    """The backlog that is too long, whoever's fault it is: `caller_q`, `reply_q` or `ok`."""
    if figures.caller_q_frames >= CALLER_Q_FRAMES:
        why = f"{figures.caller_q_frames} frames of the caller wait for the model"
        return _blame("caller_q", figures.caller_q_frames, CALLER_Q_FRAMES, why)
    if figures.reply_q_ms >= REPLY_Q_MS:
        why = f"{figures.reply_q_ms:.0f} ms of the model wait to be heard"
        return _blame("reply_q", figures.reply_q_ms, REPLY_Q_MS, why)
    return Verdict(OK)


@dataclass(frozen=True, slots=True)
class Begun:
    """An episode begins: warn, once."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Over:
    """An episode is over."""

    name: str
    duration_ms: float
    peak: float
    """The worst figure that decided it: of all that were observed, the one furthest above its limit."""
    peak_why: str


@dataclass(slots=True)
class Episodes:
    """When a call's verdicts are worth a line: at the beginning and at the end of an episode.

    A worse cause that shows itself inside an episode takes it over without a second warning: callers hear
    one trouble. The episode goes by the name it began with.
    """

    _name: str = ""
    _began_ms: float = 0.0
    _bad_at_ms: float = 0.0
    _peak: Verdict = Verdict(OK)

    @property
    def name(self) -> str:
        """The verdict of the present episode; empty if there is no episode."""
        return self._name

    def observe(self, verdict: Verdict, now_ms: float) -> Begun | Over | None:
        """The verdict of a moment; returns what of it is worth a line."""
        if not verdict.is_ok:
            self._bad_at_ms = now_ms
            begins = not self._name
            if begins:
                self._name, self._began_ms = verdict.name, now_ms
            if begins or verdict.times_limit > self._peak.times_limit:
                self._peak = verdict
            return Begun(verdict) if begins else None
        if self._name and now_ms - self._bad_at_ms >= CALM_MS:
            return self.end()
        return None

    def end(self) -> Over | None:
        """The call is over, or nothing was wrong for long enough."""
        if not self._name:
            return None
        name, self._name = self._name, ""
        return Over(name, self._bad_at_ms - self._began_ms, self._peak.figure, self._peak.why)


# Private.


def _blame(name: str, figure: float, limit: float, why: str) -> Verdict:
    return Verdict(name, why, float(figure), figure / limit)
