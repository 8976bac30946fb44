"""One line every three seconds for each live call: where audio waits, and whose fault it is.

Why it exists: egress stands at the end of the line. It sees what the model gave, what the caller got and
what Twilio acknowledged; what only ingress and brain know of their processes they put on the card.

Owns: the window of each call, its figures, the `pipeline` line, the card fields `pipeline` and `verdict`,
warnings. Must not know: the rule (shared/diagnosis.py), pacing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from egress.counters import Windows
from egress.held_call import HeldCall
from shared.clock import now_ms, wall_ms
from shared.diagnosis import Begun, Episodes, Figures, Over, RoleFigures, Verdict, judge, size_of
from shared.logs import Log
from shared.process import Process
from shared.rolling import WINDOW_MS

UNANSWERED_MS = WINDOW_MS
"""A window whose questions to Redis are not answered by then is judged without."""


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
    """A role's figures as they stood on the card, and when they last changed, on our clock."""

    at: str = ""
    changed_ms: float = 0.0
    age_ms: float = 0.0
    lag_ms: float = 0.0
    redis_ms: float = 0.0


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
    _asked_ms: float | None = None
    _before: _Counts = field(init=False)
    _seen: dict[str, _Seen] = field(init=False)
    _card: dict[str, str] = field(init=False, default_factory=dict)
    _unsent_bytes: int = 0
    _write_p99_ms: float = 0.0
    _delta_rate: float = 0.0
    _quiet_ms: float = 0.0
    _caller_q: int = 0
    _reply_entries: int = 0

    def __post_init__(self) -> None:
        self._before = self._counts()
        self._seen = {role: _Seen(changed_ms=self.began_ms) for role in ("ingress", "brain")}

    def look(self, now: float) -> None:
        """Once a second, and when a socket is seen to be stuck."""
        if self._asked_ms is not None:
            if now - self._asked_ms >= UNANSWERED_MS:
                self._close(now)
                return
        elif now - self.began_ms >= WINDOW_MS:
            self._ask(now)
        figures = self._figures(now)
        self._warn(judge(figures), figures, now)

    def end(self, now: float) -> None:
        """The call is over, or another's: an open episode ends with it."""
        over = self.episodes.end(now)
        if over is not None:
            self._tell_over(over)

    # -------------------------------------------------------------------------------- asking Redis

    def _ask(self, now: float) -> None:
        """What the others wrote, and how long their streams are: one commit, answered in order."""
        self._asked_ms = now
        keys, sid = self.process.keys, self.held.call_sid
        lane, outbox = self.held.lane, self.process.outbox
        card = keys.card(sid).encode()
        names = [b"state", b"brain", b"ingress", b"w_brain", b"w_ingress"]
        outbox.command(lane, [b"HMGET", card, *names], on_reply=self._take_card)
        outbox.command(lane, [b"XLEN", keys.caller(sid).encode()], on_reply=self._take_caller)
        outbox.command(lane, [b"XLEN", keys.reply(sid).encode()], on_reply=self._take_reply)

    def _take_card(self, reply: object) -> None:
        if not isinstance(reply, list) or self.held.is_over:
            return
        names = ("state", "brain", "ingress", "w_brain", "w_ingress")
        self._card = {
            name: value.decode(errors="replace") if isinstance(value, bytes) else ""
            for name, value in zip(names, reply, strict=True)
        }
        now = now_ms()
        self._take_window("brain", now)
        self._take_window("ingress", now)

    def _take_window(self, role: str, now: float) -> None:
        seen = self._seen[role]
        window = _read(self._card.get(f"w_{role}", ""))
        at = f"{window.get('worker', '')} {window.get('at', '')}"
        if window and at != seen.at:
            seen.at, seen.changed_ms = at, now
            seen.lag_ms, seen.redis_ms = _number(window, "lag"), _number(window, "redis")
            if role == "brain":
                self._delta_rate, self._quiet_ms = _number(window, "rate"), _number(window, "quiet")
            else:
                self._write_p99_ms = _number(window, "write_p99")
        if not self._has(role):
            seen.changed_ms = now  # Nobody is there to say anything.
        seen.age_ms = now - seen.changed_ms

    def _take_caller(self, reply: object) -> None:
        if isinstance(reply, int):
            self._caller_q = reply

    def _take_reply(self, reply: object) -> None:
        if isinstance(reply, int):
            self._reply_entries = reply
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
        own = RoleFigures(
            role="egress", lag_ms=process.lag.window_ms, redis_ms=process.outbox.slowest_ms(now)
        )
        others = [
            RoleFigures(role=role, lag_ms=seen.lag_ms, redis_ms=seen.redis_ms, age_ms=seen.age_ms)
            for role, seen in self._seen.items()
            if self._has(role)
        ]
        waiting_ms = sum(max(0.0, i.received_ms - call.ledger.heard_ms(i, now)) for i in call.ledger.items)
        return Figures(
            roles=(own, *others),
            is_playing=not call.detached and (sent > 0 or bool(call.ledger.audible_response)),
            tx_q_frames=call.backlog.unsent,
            tx_q_age_ms=_age_ms(call.backlog.oldest_unsent_id()),
            reply_q_ms=round(waiting_ms),
            caller_q_frames=self._caller_q,
            tx_fps=round(sent * 1000 / window_ms, 1),
            sent_frames=sent,
            window_ms=round(window_ms),
            ws_block_ms=0.0 if call.detached else round(call.ledger.overdue_ms(now)),
            unsent_bytes=call.unsent_bytes,
            write_p99_ms=self._write_p99_ms,
            delta_rate=self._delta_rate,
            model_quiet_ms=self._quiet_ms,
            starved=counts.starved - before.starved,
            ai_speaking=call.ledger.audible_response,
            drops={
                "flushed": counts.flushed - before.flushed,
                "old_cut": counts.old_cut - before.old_cut,
                "old_epoch": counts.old_epoch - before.old_epoch,
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

    def _warn(self, verdict: Verdict, figures: Figures, now: float) -> None:
        match self.episodes.look(verdict, size_of(verdict, figures), now):
            case Begun():
                self.log.warning("pipeline_warning", **line_of(figures, verdict))
                self.process.outbox.journal(
                    self.held.call_sid, "verdict", verdict=verdict.name, why=verdict.why
                )
            case Over() as over:
                self._tell_over(over)
            case None:
                pass

    def _tell_over(self, over: Over) -> None:
        fields = {
            "verdict": over.name,
            "duration_ms": round(over.duration_ms),
            "peak": round(over.peak),
            "peak_why": over.peak_why,
        }
        self.log.info("pipeline_warning_over", **fields)
        self.process.outbox.journal(
            self.held.call_sid, "verdict_over", **{name: str(value) for name, value in fields.items()}
        )


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


def _number(window: dict[str, object], name: str) -> float:
    value = window.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
