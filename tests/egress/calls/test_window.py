"""The window of a call: its line, its fields on the card, and warnings, against a fake Redis."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import orjson
import pytest

from egress.calls import window as window_module
from egress.calls.call import EgressCall
from egress.calls.window import CallWindow, line_of
from shared.contract.card import CallState, WindowJudged
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.record import CONTRACT
from shared.contract.streams.journal import Kind
from shared.contract.window import BrainWindow, Drop, PipelineFigures, dump, load
from shared.contract.worker import WorkerId
from shared.figures.diagnosis import STALE_MS, Figures, RoleFigures, Verdict
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.guard import CallGuard
from shared.process.role import Process
from shared.store.refusals import RefusedWrites
from shared.store.writing.outbox import OnReply
from tests.egress.stage import Stage, speech
from tests.support.guards import a_guard
from tests.support.window_samples import brain_window, ingress_window

SID = "CA" + "0" * 32
LANE = 3
WALL_MS = 1_000


@dataclass
class FakeRedis:
    """The outbox and the card in one: answers at once, or not at all."""

    card: dict[str, str] = field(default_factory=dict)
    caller: int = 3
    is_silent: bool = False
    commit_ms: float = 2.0
    refused: RefusedWrites | None = None

    def send(self, command: Command, *, on_reply: OnReply) -> None:
        if self.is_silent:
            return
        name, key, *names = command.args
        if name == b"HMGET":
            values = [self.card.get(name.decode()) for name in names]
            on_reply([None if value is None else value.encode() for value in values])
        else:
            assert (name, key) == (b"XLEN", Keys(1).caller(SID).encode())
            on_reply(self.caller)

    def lane_slowest_ms(self, lane: int, _now: float) -> float:
        return self.commit_ms if lane == LANE else 9_999.0

    def lane_refused(self, lane: int) -> RefusedWrites | None:
        return self.refused if lane == LANE else None


@dataclass
class Owner:
    """The pen."""

    written: list[WindowJudged] = field(default_factory=list)

    def card(self, judged: WindowJudged) -> None:
        self.written.append(judged)


@dataclass
class Journal:
    lines: list[tuple[Kind, dict[str, object]]] = field(default_factory=list)

    def note(self, _sid: str, kind: Kind, **fields: object) -> None:
        self.lines.append((kind, fields))


@dataclass
class Lag:
    window_ms: float = 1.0


@dataclass
class Paper:
    lines: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.lines.append(("error", event, fields))

    def of(self, event: str) -> list[dict[str, object]]:
        return [fields for _, name, fields in self.lines if name == event]


@dataclass
class Fakes:
    """What of a process the window uses."""

    outbox: FakeRedis
    journal: Journal = field(default_factory=Journal)
    guard: CallGuard = field(default_factory=a_guard)
    lag: Lag = field(default_factory=Lag)
    keys: Keys = field(default_factory=lambda: Keys(1))
    worker: WorkerId = field(default_factory=lambda: WorkerId("egress", 0, "h", "1"))
    ownership: OwnershipCounters = field(default_factory=OwnershipCounters)


@dataclass
class Call:
    """What of a call the window uses."""

    delivery: object
    owner: Owner = field(default_factory=Owner)
    call_sid: str = SID
    lane: int = LANE
    is_over: bool = False


BRAIN = brain_window(lag_ms=2.0, redis_ms=3.0, audio_ms_per_s=1_000.0)
INGRESS = ingress_window(lag_ms=2.0, redis_ms=3.0, write_p99_ms=0.2)


@dataclass
class Desk:
    """One call's window on a stage of its own."""

    stage: Stage
    redis: FakeRedis
    process: Fakes
    call: Call
    paper: Paper
    window: CallWindow

    def brain_says(self, **figures: float) -> None:
        said = dataclasses.replace(BRAIN, at_ms=round(self.stage.now), **figures)  # type: ignore[arg-type]
        self.redis.card["w_brain"] = dump(said)

    def ingress_says(self, **figures: float) -> None:
        said = dataclasses.replace(INGRESS, at_ms=round(self.stage.now), **figures)  # type: ignore[arg-type]
        self.redis.card["w_ingress"] = dump(said)

    def both_say(self, **brain: float) -> Callable[[], None]:
        def say() -> None:
            self.brain_says(**brain)
            self.ingress_says()

        return say

    def run(self, seconds: int, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(seconds):
            self.stage.run(1_000)
            each()
            self.window.check(self.stage.now)

    def verdicts(self) -> list[object]:
        """Of the windows that are over."""
        return [line["verdict"] for line in self.paper.of("pipeline")]

    def warned(self) -> list[object]:
        return [line["verdict"] for line in self.paper.of("pipeline_warning")]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    stage, redis, paper = Stage(), FakeRedis(), Paper()
    monkeypatch.setattr(window_module, "now_ms", lambda: stage.now)
    monkeypatch.setattr(window_module, "wall_ms", lambda: WALL_MS)
    redis.card = {"state": CallState.ATTACHED, "brain": BRAIN.worker, "ingress": INGRESS.worker}
    process, call = Fakes(redis), Call(stage.delivery)
    window = CallWindow(cast(Process, process), cast(EgressCall, call), cast(Log, paper), stage.now)
    return Desk(stage, redis, process, call, paper, window)


def test_a_line_every_three_seconds_with_every_figure(desk: Desk) -> None:
    """Right from the first one: rates are over the time that has really passed."""
    desk.stage.say(speech(8 * 8_000))
    desk.run(10, desk.both_say(audio_ms_per_s=1_500.5, quiet_ms=40.0))

    lines = desk.paper.of("pipeline")
    assert len(lines) == 3
    first = lines[0]
    assert first["verdict"] == "ok"
    assert 49 <= cast(float, first["tx_fps"]) <= 53
    assert (first["caller_q"], first["delta_rate"], first["write_p99_ms"]) == (3, 1_500.5, 0.2)
    assert cast(int, first["tx_q"]) > 200
    assert first["ai_speaking"] == "r"
    assert [first[f"lag_{role}_ms"] for role in ("egress", "brain", "ingress")] == [1.0, 2.0, 2.0]
    assert first["redis_ms"] == 3.0


def test_the_card_has_the_verdict_and_the_same_figures(desk: Desk) -> None:
    """For redis-cli, and for the command line."""
    desk.run(3, desk.both_say())

    (judged,) = desk.call.owner.written
    shown = load(PipelineFigures, judged.pipeline)
    assert judged.verdict == "ok" == shown.verdict
    assert (shown.window_ms, shown.at_ms) == (3_000, WALL_MS)
    assert dataclasses.asdict(shown) == desk.paper.of("pipeline")[0]


def test_a_quiet_model_is_one_warning_and_its_end_tells_the_peak(desk: Desk) -> None:
    """However many windows it lasts."""
    desk.run(6, desk.both_say(quiet_ms=2_500.0))
    desk.run(6, desk.both_say(quiet_ms=4_000.0))
    desk.run(12, desk.both_say())

    (warning,) = desk.paper.of("pipeline_warning")
    (over,) = desk.paper.of("pipeline_warning_over")
    assert (warning["verdict"], over["verdict"], over["peak"]) == ("model_slow", "model_slow", 4_000)
    assert [kind for kind, _ in desk.process.journal.lines] == [Kind.VERDICT, Kind.VERDICT_OVER]
    assert desk.process.journal.lines[1][1] == over


def test_a_redis_that_does_not_answer_is_named_without_it(desk: Desk) -> None:
    """Nothing is read, nothing can be written: the log still says whose fault it is."""
    desk.redis.is_silent = True
    desk.redis.commit_ms = 900.0
    desk.run(7)

    assert desk.warned() == ["redis_slow"]
    assert len(desk.paper.of("pipeline")) == 1


def test_a_redis_that_refuses_is_named_with_its_word(desk: Desk) -> None:
    """Also when it takes writes again before the window is over."""
    desk.redis.is_silent = True
    desk.redis.commit_ms, desk.redis.refused = 900.0, RefusedWrites(0.0, "OOM", "OOM x")
    desk.run(4)
    desk.redis.commit_ms, desk.redis.refused = 2.0, None
    desk.run(3)

    (warning,) = desk.paper.of("pipeline_warning")
    assert (warning["verdict"], "OOM" in str(warning["why"])) == ("redis_refuses", True)
    (line,) = desk.paper.of("pipeline")
    assert line["verdict"] == "redis_refuses"


def test_a_role_that_says_nothing_more_is_not_running(desk: Desk) -> None:
    """Its figures grow old on our own clock; nobody in the role, nobody to blame."""
    desk.run(6, desk.both_say())
    seconds = round(STALE_MS / 1_000) + 6
    desk.run(seconds, desk.ingress_says)
    assert desk.warned() == ["cpu(brain)"]

    desk.redis.card["brain"] = ""
    desk.run(12, desk.ingress_says)
    assert desk.verdicts()[-1] == "ok"
    assert desk.paper.of("pipeline")[-1]["lag_brain_ms"] is None


def renamed(window: BrainWindow, name: str, to: str) -> str:
    """What a brain of another version would write."""
    found = orjson.loads(dump(window))
    found[to] = found.pop(name)
    return orjson.dumps(found).decode()


def test_a_renamed_figure_is_an_error_of_the_contract_and_no_verdict(desk: Desk) -> None:
    """The model says nothing for five seconds, and the brain tells it under a new name: that is not taken
    for a model that is quick, nor is the brain blamed."""

    def say() -> None:
        said = dataclasses.replace(BRAIN, at_ms=round(desk.stage.now), quiet_ms=5_000.0)
        desk.redis.card["w_brain"] = renamed(said, "quiet_ms", "silence_ms")
        desk.ingress_says()

    desk.run(9, say)

    lines = desk.paper.of("pipeline")
    figures = ("model_quiet_ms", "delta_rate", "lag_brain_ms")
    assert [[line[name] for name in figures] for line in lines] == [[None] * 3] * 3
    assert [line["write_p99_ms"] for line in lines] == [0.2] * 3
    assert all(Drop.NOT_ADMITTED not in cast(dict[str, int], line["drops"]) for line in lines)
    assert desk.warned() == []
    errors = desk.paper.of("contract_error")
    assert len(errors) == 3 == desk.process.ownership.contract_errors, "once a window"
    assert (errors[0]["record"], errors[0]["field"], errors[0]["worker"]) == (
        "BrainWindow",
        "quiet_ms",
        BRAIN.worker,
    )
    assert "expected a number in quiet_ms of BrainWindow, got nothing" in cast(str, errors[0]["reason"])


def test_a_role_that_cannot_be_read_is_not_blamed_for_being_late(desk: Desk) -> None:
    """However long: what stands there says nothing about when it was written."""
    desk.redis.card["w_brain"] = "{"

    desk.run(5 * round(STALE_MS / 1_000), desk.ingress_says)

    assert set(desk.verdicts()) == {"ok"}
    assert desk.warned() == []


def test_what_others_wrote_may_be_nonsense(desk: Desk) -> None:
    """A hand on the card: the window goes on, and knows again what it can read again."""
    for text in ("{", "[]", '{"at_ms":1,"lag_ms":"x"}'):
        desk.redis.card["w_brain"] = text
        desk.run(3, desk.ingress_says)
    desk.run(3, desk.both_say(quiet_ms=2_500.0))

    lines = desk.paper.of("pipeline")
    assert [line["model_quiet_ms"] for line in lines] == [None] * 3 + [2_500.0]
    assert [line["verdict"] for line in lines] == ["ok"] * 3 + ["model_slow"]


def test_a_card_that_is_gone_or_cannot_be_read_names_nobody(desk: Desk) -> None:
    """The next fenced write tells about the first; the second is an error of the contract."""
    desk.run(3, desk.both_say(quiet_ms=2_500.0))
    desk.redis.card = {}
    desk.run(3)
    desk.redis.card = {"state": "singing", "brain": BRAIN.worker, "ingress": INGRESS.worker}
    desk.run(3, desk.both_say())

    lines = desk.paper.of("pipeline")
    assert [line["verdict"] for line in lines] == ["model_slow", "ok", "ok"]
    assert [line["model_quiet_ms"] for line in lines] == [2_500.0, None, None]
    assert [error["field"] for error in desk.paper.of("contract_error")] == ["state"]


def test_a_call_that_ends_inside_an_episode_closes_it(desk: Desk) -> None:
    """No warning is left without its end."""
    desk.process.lag.window_ms = 400.0
    desk.run(2, desk.both_say())

    desk.window.end()
    desk.window.end()

    assert [line["verdict"] for line in desk.paper.of("pipeline_warning_over")] == ["cpu(egress)"]


def test_the_next_owner_is_not_blamed_for_what_the_last_one_said(desk: Desk) -> None:
    """Its figures go with it, and the new one has until its first window to speak."""
    desk.run(6, desk.both_say(lag_ms=400.0, quiet_ms=5_000.0))
    assert desk.verdicts()[-1] == "cpu(brain)"
    desk.redis.card["brain"] = "brain-1@h#1"
    desk.run(3, desk.ingress_says)

    assert desk.verdicts()[-1] == "ok"
    desk.run(3, desk.ingress_says)
    assert desk.verdicts()[-1] == "ok", "it has said nothing for one window only"


def test_a_model_owes_nothing_to_nobody(desk: Desk) -> None:
    """The brain is gone, or the caller was sent away: what was said of the model is not repeated."""
    desk.run(3, desk.both_say(quiet_ms=4_000.0))
    assert desk.verdicts()[-1] == "model_slow"
    desk.redis.card["brain"] = ""
    desk.run(3, desk.ingress_says)
    assert desk.verdicts()[-1] == "ok"

    desk.redis.card["brain"] = "brain-0@h#1"
    desk.run(3, desk.both_say(quiet_ms=4_000.0))
    desk.stage.delivery.on_detached(1, desk.stage.now)
    desk.run(3, desk.both_say(quiet_ms=4_000.0))
    assert desk.verdicts()[-1] == "ok"


def test_silence_while_redis_was_away_is_nobodys(desk: Desk) -> None:
    """Nothing could be read: others' figures are not old because of that."""
    desk.run(6, desk.both_say())
    desk.redis.is_silent = True
    desk.run(12)
    desk.redis.is_silent = False
    desk.run(4)

    assert set(desk.verdicts()) == {"ok"}
    desk.run(10)
    assert desk.verdicts()[-1] == "cpu(ingress)"


def test_a_stall_of_ours_is_told_with_its_window_even_if_it_was_at_its_beginning(desk: Desk) -> None:
    """What it did to the reply is not the model's fault."""
    desk.run(3, desk.both_say())
    desk.process.lag.window_ms = 400.0
    desk.run(1, desk.both_say())
    desk.process.lag.window_ms = 1.0
    desk.stage.delivery.counters.starved += 1
    desk.run(2, desk.both_say())

    assert desk.verdicts() == ["ok", "cpu(egress)"]
    desk.run(3, desk.both_say())
    assert desk.verdicts()[-1] == "ok"


def test_a_reply_that_ran_dry_is_judged_at_the_end_of_its_window(desk: Desk) -> None:
    """What may explain it is on the card only then."""
    desk.run(3, desk.both_say())
    desk.stage.delivery.counters.starved += 1
    desk.run(2, desk.both_say())
    assert desk.paper.of("pipeline_warning") == []
    desk.run(1, desk.both_say())

    assert desk.warned() == ["model_slow"]


def test_a_twilio_that_plays_nothing_is_seen_before_the_next_second(desk: Desk) -> None:
    """By its overdue mark, within 1.5 s of the moment at which it stops, kernel buffers or not."""
    desk.stage.say(speech(20 * 8_000))
    desk.run(3, desk.both_say())
    desk.stage.echoes_are_lost = True
    stalled_at = desk.stage.now
    while not desk.window.is_stuck(desk.stage.now):
        desk.stage.run(100)
        assert desk.stage.now - stalled_at <= 1_500
    desk.window.check(desk.stage.now)

    (warning,) = desk.paper.of("pipeline_warning")
    assert warning["verdict"] == "twilio_slow"
    assert not desk.window.is_stuck(desk.stage.now), "once an episode"


def test_marks_that_are_overdue_because_ingress_is_silent_are_not_twilios(desk: Desk) -> None:
    """It died, or does not run: the caller's socket may be as good as ever."""
    desk.stage.say(speech(20 * 8_000))
    desk.run(3, desk.both_say())
    counters = desk.stage.delivery.ledger.counters
    while counters.marks_sent == counters.echoes:
        desk.stage.run(5)
    desk.stage.ingress_is_dead = desk.stage.echoes_are_lost = True
    desk.run(3, desk.brain_says)

    line = desk.paper.of("pipeline")[-1]
    assert cast(float, line["ws_block_ms"]) > 500
    assert line["verdict"] == "ok"
    assert not desk.window.is_stuck(desk.stage.now)


def test_drops_are_counted_once_and_by_cause(desk: Desk) -> None:
    """Ours, what ingress could not write, what the brain did not admit."""
    desk.stage.say(speech(8_000))
    desk.brain_says(skipped=4)
    desk.ingress_says(overflowed=7)
    desk.run(3)
    desk.stage.delivery.counters.frames_flushed += 5
    desk.run(3)

    assert [line["drops"] for line in desk.paper.of("pipeline")] == [
        {"overflowed": 7, "not_admitted": 4},
        {"flushed": 5},
    ]


def test_a_backlog_that_no_verdict_explains_has_its_own_two_lines(desk: Desk) -> None:
    """With all figures; inside an episode it is one of these."""
    desk.redis.caller = 400
    desk.run(6, desk.both_say())
    desk.redis.caller = 0
    desk.run(12, desk.both_say())

    (warning,) = desk.paper.of("backlog_warning")
    (over,) = desk.paper.of("backlog_warning_over")
    assert (warning["verdict"], warning["caller_q"]) == ("caller_q", 400)
    assert {"tx_q", "reply_q_ms", "ws_block_ms", "lag_brain_ms", "redis_ms"} <= set(warning)
    assert (over["peak"], desk.paper.of("pipeline_warning")) == (400, [])

    desk.redis.caller = 400
    desk.run(6, desk.both_say(quiet_ms=9_000.0))
    assert len(desk.paper.of("backlog_warning")) == 1


def test_a_line_says_nothing_of_whom_nobody_heard() -> None:
    """A role that is not there, and one that has not spoken yet."""
    own = RoleFigures(role="egress", lag_ms=1.26, redis_ms=2.0)
    brain = RoleFigures(role="brain", lag_ms=None, redis_ms=None)

    line = line_of(Figures(roles=(own, brain), is_playing=False), Verdict("ok"), WALL_MS)

    assert (line.lag_egress_ms, line.lag_brain_ms, line.lag_ingress_ms) == (1.3, None, None)
    assert (line.redis_ms, line.write_p99_ms, line.delta_rate, line.model_quiet_ms) == (2.0, None, None, None)
    assert (line.v, line.at_ms) == (CONTRACT, WALL_MS)
