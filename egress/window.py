"""One line every three seconds for each live call: where audio waits, and whose fault it is.

Why it exists: egress stands at the end of the line. It sees what the model gave, what the caller got and
what Twilio acknowledged; what only ingress and brain know of their processes they put on the card.

Owns: the window of each call, its figures, the `pipeline` line, the card fields `pipeline` and `verdict`,
warnings. Must not know: the rule (shared/figures/diagnosis.py), pacing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import orjson

from egress.call import HeldCall
from egress.counters import Windows
from shared.clock import now_ms, wall_ms
from shared.figures.diagnosis import (
    OK,
    WS_BLOCK_MS,
    Begun,
    Episodes,
    Figures,
    Over,
    RoleFigures,
    Verdict,
    backlog,
    judge,
)
from shared.figures.rolling import WINDOW_MS
from shared.logs.log import Log
from shared.process.role import Process

UNANSWERED_MS = WINDOW_MS
"""A window whose questions to Redis are not answered by then is judged without."""

COUNTS = ("overflowed", "skipped")
"""Figures of other roles that are counts since their last word."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counters of a call when its window began."""

    sent: int
    starved: int
    flushed: int
    old_cut: int
    old_epoch: int
    late: int


@dataclass(slots=True)
class _Seen:
    """What the present owner of a role said on the card, and when that last changed, on our clock.

    Another owner's figures are none of this one's, and it has until its first window to speak.
    """

    changed_ms: float
    owner: str = ""
    """Empty while the call has nobody in this role."""
    leg: int = 0
    at: str = ""
    age_ms: float = 0.0
    window: dict[str, object] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """One of its figures; 0 if it said nothing of the kind."""
        value = self.window.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    def forget_counts(self) -> None:
        """Counts belong to one of our windows only."""
        for name in COUNTS:
            self.window.pop(name, None)


@dataclass(slots=True)
class CallPipeline:
    """The window of one call. `look` is cheap and safe to call at any time."""

    process: Process
    held: HeldCall
    log: Log
    began_ms: float
    windows: Windows = field(default_factory=Windows)
    """Of all calls, for /metrics."""
    episodes: Episodes = field(default_factory=Episodes)
    backlogs: Episodes = field(default_factory=Episodes)
    """Backlogs that no verdict explains."""
    _asked_ms: float | None = None
    _before: _Counts = field(init=False)
    _seen: dict[str, _Seen] = field(init=False)
    _card: dict[str, str] = field(init=False, default_factory=dict)
    _caller_q: int = 0
    _is_blind: bool = False
    """Redis did not answer: that others said nothing meanwhile says nothing about them."""
    _own_lag_ms: float = 0.0
    _own_redis_ms: float = 0.0
    """Our worst of the window, as far as it was looked at."""

    def __post_init__(self) -> None:
        self._before = self._counts()
        self._seen = {role: _Seen(changed_ms=self.began_ms) for role in ("ingress", "brain")}

    def look(self, now: float) -> None:
        """Once a second, and when a socket is seen to be stuck."""
        if self._asked_ms is not None:
            if now - self._asked_ms >= UNANSWERED_MS:
                self._is_blind = True
                self._close(now)
                return
        elif now - self.began_ms >= WINDOW_MS:
            self._ask(now)
            if self._asked_ms is None:
                return  # Answered at once.
        # That the reply ran dry is a matter for the end of the window: what may explain it comes then.
        figures = replace(self._figures(now), starved=0)
        self._warn(judge(figures), figures, now)

    @property
    def is_stuck(self) -> bool:
        """A mark is overdue and nobody was warned yet: worth a look before the next second."""
        call = self.held.call
        return (
            not self.episodes.name
            and not call.detached
            and not call.pacer.stopped
            and call.ledger.overdue_ms(now_ms()) >= WS_BLOCK_MS
        )

    def end(self) -> None:
        """The call is over, or another's: open episodes end with it."""
        over = self.episodes.end()
        if over is not None:
            fields = self._tell_over("pipeline_warning_over", over)
            self.process.outbox.journal(self.held.call_sid, "verdict_over", **fields)
        over = self.backlogs.end()
        if over is not None:
            self._tell_over("backlog_warning_over", over)

    # -------------------------------------------------------------------------------- asking Redis

    def _ask(self, now: float) -> None:
        """What the others wrote, and what the model has not got: one commit, answered in order."""
        self._asked_ms = now
        keys, sid = self.process.keys, self.held.call_sid
        lane, outbox = self.held.lane, self.process.outbox
        card = keys.card(sid).encode()
        names = [b"state", b"brain", b"ingress", b"w_brain", b"w_ingress"]
        outbox.command(lane, [b"HMGET", card, *names], on_reply=self._take_card)
        outbox.command(lane, [b"XLEN", keys.caller(sid).encode()], on_reply=self._take_caller)

    def _take_card(self, reply: object) -> None:
        if not isinstance(reply, list) or self.held.is_over:
            return
        names = ("state", "brain", "ingress", "w_brain", "w_ingress")
        self._card = {
            name: value.decode(errors="replace") if isinstance(value, bytes) else ""
            for name, value in zip(names, reply, strict=True)
        }
        now = now_ms()
        for role in self._seen:
            self._take_window(role, now)
        self._is_blind = False

    def _take_window(self, role: str, now: float) -> None:
        seen, leg = self._seen[role], self.held.call.leg
        owner = self._card[role] if self._has(role) else ""
        if owner != seen.owner or (role == "ingress" and leg != seen.leg):
            seen = self._seen[role] = _Seen(changed_ms=now, owner=owner, leg=leg)
        if not owner:
            return
        window = _read(self._card[f"w_{role}"])
        at = str(window.get("at", ""))
        if window.get("worker") == owner and at != seen.at:
            seen.at, seen.changed_ms, seen.window = at, now, window
        if self._is_blind:
            seen.changed_ms = now
        seen.age_ms = now - seen.changed_ms

    def _take_caller(self, reply: object) -> None:
        """The last answer: now the window can be judged."""
        if isinstance(reply, int):
            self._caller_q = reply
        if self._asked_ms is not None and not self.held.is_over:
            self._close(now_ms())

    def _has(self, role: str) -> bool:
        """Whether the call has somebody in this role. Without a stream nobody in ingress has it."""
        if role == "ingress":
            return self._card.get("state") in ("attached", "live") and not self.held.call.detached
        return bool(self._card.get(role))

    # -------------------------------------------------------------------------------- the window

    def _counts(self) -> _Counts:
        call = self.held.call
        counters, intake = call.counters, call.intake.counters
        return _Counts(
            sent=counters.frames_sent,
            starved=counters.starved,
            flushed=counters.frames_flushed,
            old_cut=intake.entries_old_cut,
            old_epoch=intake.entries_old_epoch,
            late=counters.frames_late,
        )

    def _figures(self, now: float) -> Figures:
        process, call = self.process, self.held.call
        counts, before = self._counts(), self._before
        sent = counts.sent - before.sent
        window_ms = max(now - self.began_ms, 1.0)
        self._own_lag_ms = max(self._own_lag_ms, process.lag.window_ms)
        self._own_redis_ms = max(self._own_redis_ms, process.outbox.slowest_ms(now))
        own = RoleFigures(role="egress", lag_ms=self._own_lag_ms, redis_ms=self._own_redis_ms)
        ingress, brain = self._seen["ingress"], self._seen["brain"]
        others = [
            RoleFigures(
                role=role, lag_ms=seen.figure("lag"), redis_ms=seen.figure("redis"), age_ms=seen.age_ms
            )
            for role, seen in self._seen.items()
            if seen.owner and self._has(role)
        ]
        waiting_ms = sum(max(0.0, i.received_ms - call.ledger.heard_ms(i, now)) for i in call.ledger.items)
        return Figures(
            roles=(own, *others),
            is_playing=not call.detached and (sent > 0 or bool(call.ledger.audible_response)),
            is_confirmed=not call.pacer.stopped,
            tx_q_frames=call.backlog.unsent,
            tx_q_age_ms=_age_ms(call.backlog.oldest_unsent_id()),
            reply_q_ms=round(waiting_ms),
            caller_q_frames=self._caller_q,
            tx_fps=round(sent * 1000 / window_ms, 1),
            sent_frames=sent,
            window_ms=round(window_ms),
            ws_block_ms=0.0 if call.detached else round(call.ledger.overdue_ms(now)),
            unsent_bytes=call.unsent_bytes,
            write_p99_ms=ingress.figure("write_p99"),
            delta_rate=brain.figure("rate"),
            # While the caller is away nobody waits for the model.
            model_quiet_ms=0.0 if call.detached else brain.figure("quiet"),
            starved=counts.starved - before.starved,
            late=counts.late - before.late,
            ai_speaking=call.ledger.audible_response,
            drops={
                "flushed": counts.flushed - before.flushed,
                "old_cut": counts.old_cut - before.old_cut,
                "old_epoch": counts.old_epoch - before.old_epoch,
                "overflowed": int(ingress.figure("overflowed")),
                "not_admitted": int(brain.figure("skipped")),
            },
        )

    def _close(self, now: float) -> None:
        """The window is over: its line, its fields on the card, the next window."""
        figures = self._figures(now)
        verdict = judge(figures)
        self._warn(verdict, figures, now)
        self.windows.observe(figures, verdict)
        shown = line_of(figures, verdict)
        self.log.info("pipeline", **shown)
        self.held.owner.card(
            {"verdict": verdict.name, "pipeline": orjson.dumps({"at": wall_ms(), **shown}).decode()}
        )
        self._asked_ms, self.began_ms, self._before = None, now, self._counts()
        self._own_lag_ms = self._own_redis_ms = 0.0
        for seen in self._seen.values():
            seen.forget_counts()

    def _warn(self, verdict: Verdict, figures: Figures, now: float) -> None:
        sid, outbox = self.held.call_sid, self.process.outbox
        match self.episodes.look(verdict, now):
            case Begun():
                self.log.warning("pipeline_warning", **line_of(figures, verdict))
                outbox.journal(sid, "verdict", verdict=verdict.name, why=verdict.why)
            case Over() as over:
                fields = self._tell_over("pipeline_warning_over", over)
                outbox.journal(sid, "verdict_over", **fields)
            case None:
                pass
        # A backlog inside an episode is a symptom of it, and in its figures.
        waits = Verdict(OK) if self.episodes.name or self.held.call.detached else backlog(figures)
        match self.backlogs.look(waits, now):
            case Begun():
                shown = line_of(figures, verdict)
                self.log.warning("backlog_warning", **{**shown, "verdict": waits.name, "why": waits.why})
            case Over() as over:
                self._tell_over("backlog_warning_over", over)
            case None:
                pass

    def _tell_over(self, event: str, over: Over) -> dict[str, str | int]:
        fields: dict[str, str | int] = {
            "verdict": over.name,
            "duration_ms": round(over.duration_ms),
            "peak": round(over.peak),
            "peak_why": over.peak_why,
        }
        self.log.info(event, **fields)
        return fields


def line_of(figures: Figures, verdict: Verdict) -> dict[str, str | int | float | dict[str, int]]:
    """The fields of a `pipeline` line, in their order."""
    lags = {f"lag_{each.role}_ms": round(each.lag_ms, 1) for each in figures.roles}
    return {
        "verdict": verdict.name,
        "why": verdict.why,
        "window_ms": figures.window_ms,
        "tx_q": figures.tx_q_frames,
        "tx_q_age_ms": figures.tx_q_age_ms,
        "reply_q_ms": figures.reply_q_ms,
        "caller_q": figures.caller_q_frames,
        "tx_fps": figures.tx_fps,
        "sent": figures.sent_frames,
        "ws_block_ms": figures.ws_block_ms,
        "unsent_bytes": figures.unsent_bytes,
        "write_p99_ms": figures.write_p99_ms,
        "delta_rate": figures.delta_rate,
        "model_quiet_ms": figures.model_quiet_ms,
        "starved": figures.starved,
        "late": figures.late,
        "ai_speaking": figures.ai_speaking,
        "redis_ms": round(max((each.redis_ms for each in figures.roles), default=0.0), 1),
        **lags,
        "drops": {cause: count for cause, count in figures.drops.items() if count},
    }


# Private.


def _age_ms(entry_id: str) -> float:
    """Age of an entry of `reply`: its id begins with Redis's clock."""
    written_ms = entry_id.partition("-")[0]
    return float(max(0, wall_ms() - int(written_ms))) if written_ms.isdigit() else 0.0


def _read(text: str) -> dict[str, object]:
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
