"""One line every three seconds for each live call: where audio waits, and whose fault it is.

Why it exists: egress stands at the end of the line. It sees what the model gave, what the caller got and
what Twilio acknowledged; what only ingress and brain know of their processes they put on the card.

Owns: the window of each call, its figures, the `pipeline` line, the same on the card, warnings. Must not
know: the rule (shared/figures/diagnosis.py), how others' words are read (egress/calls/others.py), pacing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from egress.calls.call import EgressCall
from egress.calls.others import Others
from egress.counters import Windows
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.card import WindowJudged
from shared.contract.command import Command
from shared.contract.entry import written_ms
from shared.contract.record import CONTRACT
from shared.contract.streams.journal import Kind
from shared.contract.views import WindowsView
from shared.contract.window import Drop, PipelineFigures, dump
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
from shared.ownership.counters import Where
from shared.process.role import Process

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
class CallWindow:
    """The window of one call. `check` is cheap and safe to call at any time."""

    process: Process
    call: EgressCall
    log: Log
    began_ms: float
    windows: Windows = field(default_factory=Windows)
    """Of all calls, for /metrics."""
    episodes: Episodes = field(default_factory=Episodes)
    backlogs: Episodes = field(default_factory=Episodes)
    """Backlogs that no verdict explains."""
    _asked_ms: float | None = None
    _before: _Counts = field(init=False)
    _others: Others = field(init=False)
    _caller_q: int = 0
    _is_blind: bool = False
    """Redis did not answer: that others said nothing meanwhile says nothing about them."""
    _own_lag_ms: float = 0.0
    _own_redis_ms: float = 0.0
    _own_refusal: str = ""
    """Our worst of the window, as far as it was checked."""

    def __post_init__(self) -> None:
        self._before = self._counts()
        self._others = Others(self.began_ms)

    def check(self, now: float) -> None:
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
        figures = dataclasses.replace(self._figures(now), starved=0)
        self._warn(judge(figures), figures, now)

    def is_stuck(self, now: float) -> bool:
        """Whether a mark is overdue and nobody was warned yet: not a matter for the next second."""
        delivery = self.call.delivery
        return (
            not self.episodes.name
            and not delivery.detached
            and not delivery.pacer.stopped
            and delivery.ledger.overdue_ms(now) >= WS_BLOCK_MS
        )

    def end(self) -> None:
        """The call is over, or another's: open episodes end with it."""
        over = self.episodes.end()
        if over is not None:
            self._tell_episode_over(over)
        over = self.backlogs.end()
        if over is not None:
            self._tell_backlog_over(over)

    # Private.

    def _ask(self, now: float) -> None:
        """What the others wrote, and what the model has not got: one commit, answered in order."""
        self._asked_ms = now
        keys, sid, lane = self.process.keys, self.call.call_sid, self.call.lane
        names = [name.encode() for name in record.names(WindowsView)]
        card = Command(lane, (b"HMGET", keys.card(sid).encode(), *names))
        caller = Command(lane, (b"XLEN", keys.caller(sid).encode()))
        wrap = self.process.guard.wrap
        self.process.outbox.send(card, on_reply=wrap(Where.ANSWER, sid, self._on_card))
        self.process.outbox.send(caller, on_reply=wrap(Where.ANSWER, sid, self._on_caller))

    def _on_card(self, reply: object) -> None:
        if not isinstance(reply, list) or self.call.is_over:
            return
        delivery, now = self.call.delivery, now_ms()
        unreadable = self._others.read(
            reply, delivery.leg, now, is_detached=delivery.detached, is_blind=self._is_blind
        )
        self._is_blind = False
        for error, worker in unreadable:
            self.process.ownership.contract_errors += 1
            self.log.error(
                "contract_error", record=error.record, field=error.field, worker=worker, reason=str(error)
            )

    def _on_caller(self, reply: object) -> None:
        """The last answer: now the window can be judged."""
        if isinstance(reply, int):
            self._caller_q = reply
        if self._asked_ms is not None and not self.call.is_over:
            self._close(now_ms())

    def _counts(self) -> _Counts:
        delivery = self.call.delivery
        counters, intake = delivery.counters, delivery.intake.counters
        return _Counts(
            sent=counters.frames_sent,
            starved=counters.starved,
            flushed=counters.frames_flushed,
            old_cut=intake.entries_old_cut,
            old_epoch=intake.entries_old_epoch,
            late=counters.frames_late,
        )

    def _figures(self, now: float) -> Figures:
        delivery, process = self.call.delivery, self.process
        ledger, is_detached = delivery.ledger, delivery.detached
        counts, before = self._counts(), self._before
        sent = counts.sent - before.sent
        window_ms = max(now - self.began_ms, 1.0)
        self._own_lag_ms = max(self._own_lag_ms, process.lag.window_ms)
        self._own_redis_ms = max(self._own_redis_ms, process.outbox.lane_slowest_ms(self.call.lane, now))
        refused = process.outbox.lane_refused(self.call.lane)
        self._own_refusal = self._own_refusal if refused is None else refused.word
        own = RoleFigures(
            role=process.worker.role,
            lag_ms=self._own_lag_ms,
            redis_ms=self._own_redis_ms,
            redis_refusal=self._own_refusal,
        )
        brain, ingress = self._others.brain.window, self._others.ingress.window
        quiet_ms = None if brain is None else brain.quiet_ms
        unheard_ms = sum(max(0.0, item.received_ms - ledger.heard_ms(item, now)) for item in ledger.items)
        return Figures(
            roles=(own, *self._others.figures(is_detached=is_detached)),
            is_playing=not is_detached and (sent > 0 or bool(ledger.audible_response)),
            is_confirmed=not delivery.pacer.stopped,
            tx_q_frames=delivery.backlog.unsent,
            tx_q_age_ms=_age_ms(delivery.backlog.oldest_unsent_id()),
            reply_q_ms=round(unheard_ms),
            caller_q_frames=self._caller_q,
            tx_fps=round(sent * 1000 / window_ms, 1),
            sent_frames=sent,
            window_ms=round(window_ms),
            ws_block_ms=0.0 if is_detached else round(ledger.overdue_ms(now)),
            unsent_bytes=delivery.unsent_bytes,
            write_p99_ms=None if ingress is None else ingress.write_p99_ms,
            delta_rate=None if brain is None else brain.audio_ms_per_s,
            # While the caller is away nobody waits for the model.
            model_quiet_ms=0.0 if is_detached and quiet_ms is not None else quiet_ms,
            starved=counts.starved - before.starved,
            late=counts.late - before.late,
            ai_speaking=ledger.audible_response,
            drops=self._drops(counts),
            owed_ms=0 if ingress is None or is_detached else ingress.owed_ms,
            owed_cause="" if ingress is None else ingress.owed_cause,
        )

    def _drops(self, counts: _Counts) -> dict[str, int]:
        """What was dropped within the window, by cause. The others count since their last word."""
        before, brain, ingress = self._before, self._others.brain, self._others.ingress
        drops = {
            Drop.FLUSHED.value: counts.flushed - before.flushed,
            Drop.OLD_CUT.value: counts.old_cut - before.old_cut,
            Drop.OLD_EPOCH.value: counts.old_epoch - before.old_epoch,
        }
        if ingress.window is not None and ingress.is_new:
            drops[Drop.OVERFLOWED.value] = ingress.window.overflowed
        if brain.window is not None and brain.is_new:
            drops[Drop.NOT_ADMITTED.value] = brain.window.skipped
        return drops

    def _close(self, now: float) -> None:
        """The window is over: its line, the same on the card, the next window."""
        figures = self._figures(now)
        verdict = judge(figures)
        self._warn(verdict, figures, now)
        self.windows.observe(figures, verdict)
        line = line_of(figures, verdict, wall_ms())
        self.log.info("pipeline", **dataclasses.asdict(line))
        self.call.owner.card(WindowJudged(verdict=verdict.name, pipeline=dump(line)))
        self._asked_ms, self.began_ms, self._before = None, now, self._counts()
        self._own_lag_ms, self._own_redis_ms, self._own_refusal = 0.0, 0.0, ""
        self._others.close_window()

    # Warnings.

    def _warn(self, verdict: Verdict, figures: Figures, now: float) -> None:
        match self.episodes.observe(verdict, now):
            case Begun():
                self._tell_begun("pipeline_warning", figures, verdict)
                self.process.journal.note(
                    self.call.call_sid, Kind.VERDICT, verdict=verdict.name, why=verdict.why
                )
            case Over() as over:
                self._tell_episode_over(over)
            case None:
                pass
        # A backlog inside an episode is a symptom of it, and in its figures.
        is_explained = self.episodes.name or self.call.delivery.detached
        waits = Verdict(OK) if is_explained else backlog(figures)
        match self.backlogs.observe(waits, now):
            case Begun():
                self._tell_begun("backlog_warning", figures, waits)
            case Over() as over:
                self._tell_backlog_over(over)
            case None:
                pass

    def _tell_begun(self, event: str, figures: Figures, verdict: Verdict) -> None:
        self.log.warning(event, **dataclasses.asdict(line_of(figures, verdict, wall_ms())))

    def _tell_episode_over(self, over: Over) -> None:
        _tell(over, partial(self.log.info, "pipeline_warning_over"))
        _tell(over, partial(self.process.journal.note, self.call.call_sid, Kind.VERDICT_OVER))

    def _tell_backlog_over(self, over: Over) -> None:
        _tell(over, partial(self.log.info, "backlog_warning_over"))


def line_of(figures: Figures, verdict: Verdict, at_ms: int) -> PipelineFigures:
    """A judged window, as it stands in the log and on the card."""
    return PipelineFigures(
        v=CONTRACT,
        at_ms=at_ms,
        verdict=verdict.name,
        why=verdict.why,
        window_ms=figures.window_ms,
        tx_q=figures.tx_q_frames,
        tx_q_age_ms=figures.tx_q_age_ms,
        reply_q_ms=figures.reply_q_ms,
        caller_q=figures.caller_q_frames,
        tx_fps=figures.tx_fps,
        sent=figures.sent_frames,
        ws_block_ms=figures.ws_block_ms,
        unsent_bytes=figures.unsent_bytes,
        write_p99_ms=figures.write_p99_ms,
        delta_rate=figures.delta_rate,
        model_quiet_ms=figures.model_quiet_ms,
        starved=figures.starved,
        late=figures.late,
        ai_speaking=figures.ai_speaking,
        redis_ms=round(max(each.redis_ms for each in figures.roles if each.redis_ms is not None), 1),
        lag_ingress_ms=_lag_ms(figures, "ingress"),
        lag_brain_ms=_lag_ms(figures, "brain"),
        lag_egress_ms=_lag_ms(figures, "egress"),
        owed_ms=figures.owed_ms,
        owed_cause=figures.owed_cause,
        drops={cause: count for cause, count in figures.drops.items() if count},
    )


# Private.


def _tell(over: Over, tell: Callable[..., None]) -> None:
    tell(
        verdict=over.name,
        duration_ms=round(over.duration_ms),
        peak=round(over.peak),
        peak_why=over.peak_why,
    )


def _lag_ms(figures: Figures, role: str) -> float | None:
    """What a role says of its lateness; None for one that is not there, or has not said it."""
    found = figures.of(role)
    return None if found is None or found.lag_ms is None else round(found.lag_ms, 1)


def _age_ms(entry_id: str) -> float:
    """Age of an entry of `reply`, by the server's clock; 0 if there is no entry."""
    return float(max(0, wall_ms() - written_ms(entry_id))) if entry_id else 0.0
