"""The window of a call: its line, its fields on the card, and warnings, against a fake Redis."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import orjson
import pytest

from egress import window as pipeline_module
from egress.call import HeldCall
from egress.window import CallPipeline
from shared.contract.keys import Keys
from shared.figures.diagnosis import STALE_MS
from shared.logs.log import Log
from shared.process.role import Process
from shared.store.outbox import OnReply
from tests.egress.stage import Stage, speech

SID = "CA" + "0" * 32


@dataclass
class FakeRedis:
    """The outbox, the card and the owner's pen in one: answers at once, or not at all."""

    card: dict[str, str] = field(default_factory=dict)
    caller: int = 3
    is_silent: bool = False
    commit_ms: float = 2.0
    journaled: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    written: list[dict[str, str | int]] = field(default_factory=list)

    def command(self, _lane: object, args: list[bytes], *, on_reply: OnReply) -> None:
        if self.is_silent:
            return
        if args[0] == b"HMGET":
            values = [self.card.get(name.decode()) for name in args[2:]]
            on_reply([None if value is None else value.encode() for value in values])
        else:
            assert args[1].endswith(b":caller")
            on_reply(self.caller)

    def slowest_ms(self, _now: float) -> float:
        return self.commit_ms

    def journal(self, _sid: str, kind: str, **fields: str) -> None:
        self.journaled.append((kind, fields))


@dataclass
class Owner:
    redis: FakeRedis

    def card(self, fields: dict[str, str | int]) -> None:
        self.redis.written.append(fields)


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

    def of(self, event: str) -> list[dict[str, object]]:
        return [fields for _, name, fields in self.lines if name == event]


@dataclass
class Fakes:
    """A process, and a call of it as the window sees it."""

    outbox: FakeRedis
    lag: Lag
    keys: Keys = field(default_factory=lambda: Keys(1))


@dataclass
class Held:
    call: object
    owner: Owner
    call_sid: str = SID
    lane: int = 0
    is_over: bool = False


@dataclass
class Desk:
    """One call's window on a stage of its own."""

    stage: Stage
    redis: FakeRedis
    lag: Lag
    paper: Paper
    window: CallPipeline

    def role_says(self, role: str, **figures: object) -> None:
        at = {"at": self.stage.now, "worker": f"{role}-0@h#1", "lag": 2.0, "redis": 3.0}
        self.redis.card[f"w_{role}"] = json.dumps({**at, **figures})

    def run(self, seconds: int, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(seconds):
            self.stage.run(1_000)
            each()
            self.window.look(self.stage.now)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    stage, redis, lag, paper = Stage(), FakeRedis(), Lag(), Paper()
    monkeypatch.setattr(pipeline_module, "now_ms", lambda: stage.now)
    monkeypatch.setattr(pipeline_module, "wall_ms", lambda: 1_000)
    redis.card = {"state": "live", "brain": "brain-0@h#1", "ingress": "ingress-0@h#1"}
    process, held = Fakes(redis, lag), Held(stage.call, Owner(redis))
    window = CallPipeline(cast(Process, process), cast(HeldCall, held), cast(Log, paper), stage.now)
    return Desk(stage, redis, lag, paper, window)


def both_say(desk: Desk, **brain: object) -> Callable[[], None]:
    def say() -> None:
        desk.role_says("brain", **brain)
        desk.role_says("ingress", write_p99=0.2)

    return say


def test_a_line_every_three_seconds_with_every_figure(desk: Desk) -> None:
    """Right from the first one: rates are over the time that has really passed."""
    desk.stage.say(speech(8 * 8_000))
    desk.run(10, both_say(desk, rate=1_500.5, quiet=40))

    lines = desk.paper.of("pipeline")
    assert len(lines) == 3
    first = lines[0]
    assert first["verdict"] == "ok"
    assert 49 <= cast(float, first["tx_fps"]) <= 53
    assert (first["caller_q"], first["delta_rate"], first["write_p99_ms"]) == (3, 1_500.5, 0.2)
    assert cast(int, first["tx_q"]) > 200
    assert first["ai_speaking"] == "r"
    assert {"lag_egress_ms", "lag_brain_ms", "lag_ingress_ms", "redis_ms", "ws_block_ms", "drops"} <= set(
        first
    )


def test_the_card_has_the_verdict_and_the_same_figures(desk: Desk) -> None:
    """For redis-cli, and for the command line."""
    desk.run(3, both_say(desk))

    (written,) = desk.redis.written
    shown = orjson.loads(cast(str, written["pipeline"]))
    assert written["verdict"] == "ok" == shown["verdict"]
    assert shown["window_ms"] == 3_000
    assert shown["at"] == 1_000


def test_a_quiet_model_is_one_warning_and_its_end_tells_the_peak(desk: Desk) -> None:
    """However many windows it lasts."""
    desk.run(6, both_say(desk, quiet=2_500))
    desk.run(6, both_say(desk, quiet=4_000))
    desk.run(12, both_say(desk))

    (warning,) = desk.paper.of("pipeline_warning")
    (over,) = desk.paper.of("pipeline_warning_over")
    assert (warning["verdict"], over["verdict"], over["peak"]) == ("model_slow", "model_slow", 4_000)
    assert [kind for kind, _ in desk.redis.journaled] == ["verdict", "verdict_over"]


def test_a_redis_that_does_not_answer_is_named_without_it(desk: Desk) -> None:
    """Nothing is read, nothing can be written: the log still says whose fault it is."""
    desk.redis.is_silent = True
    desk.redis.commit_ms = 900.0
    desk.run(7)

    assert [line["verdict"] for line in desk.paper.of("pipeline_warning")] == ["redis_slow"]
    assert len(desk.paper.of("pipeline")) == 1


def test_a_role_that_says_nothing_more_is_not_running(desk: Desk) -> None:
    """Its figures grow old on our own clock; nobody in the role, nobody to blame."""
    desk.run(6, both_say(desk))
    seconds = round(STALE_MS / 1_000) + 6
    desk.run(seconds, lambda: desk.role_says("ingress"))
    assert [line["verdict"] for line in desk.paper.of("pipeline_warning")] == ["cpu(brain)"]

    desk.redis.card["brain"] = ""
    desk.run(12, lambda: desk.role_says("ingress"))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok"
    assert "lag_brain_ms" not in desk.paper.of("pipeline")[-1]


def test_what_others_wrote_may_be_nonsense(desk: Desk) -> None:
    """A hand on the card, a newer version: the window goes on."""
    for text in ("", "{", "[]", '{"at":1,"lag":"x"}'):
        desk.redis.card["w_brain"] = text
        desk.run(3, lambda: desk.role_says("ingress"))
    desk.run(3, both_say(desk, lag="x", rate=None, quiet=[], skipped="1"))

    lines = desk.paper.of("pipeline")
    assert len(lines) == 5
    assert (lines[-1]["lag_brain_ms"], lines[-1]["delta_rate"], lines[-1]["verdict"]) == (0.0, 0.0, "ok")


def test_a_call_that_ends_inside_an_episode_closes_it(desk: Desk) -> None:
    """No warning is left without its end."""
    desk.lag.window_ms = 400.0
    desk.run(2, both_say(desk))

    desk.window.end()
    desk.window.end()

    assert [line["verdict"] for line in desk.paper.of("pipeline_warning_over")] == ["cpu(egress)"]


def test_the_next_owner_is_not_blamed_for_what_the_last_one_said(desk: Desk) -> None:
    """Its figures go with it, and the new one has until its first window to speak."""
    desk.run(6, both_say(desk, lag=400.0, quiet=5_000))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "cpu(brain)"
    desk.redis.card["brain"] = "brain-1@h#1"
    desk.run(3, lambda: desk.role_says("ingress"))

    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok"
    desk.run(3, lambda: desk.role_says("ingress"))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok", "it has said nothing for one window only"


def test_a_model_owes_nothing_to_nobody(desk: Desk) -> None:
    """The brain is gone, or the caller was sent away: what was said of the model is not repeated."""
    desk.run(3, both_say(desk, quiet=4_000))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "model_slow"
    desk.redis.card["brain"] = ""
    desk.run(3, lambda: desk.role_says("ingress"))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok"

    desk.redis.card["brain"] = "brain-0@h#1"
    desk.run(3, both_say(desk, quiet=4_000))
    desk.stage.call.on_detached(1, desk.stage.now)
    desk.run(3, both_say(desk, quiet=4_000))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok"


def test_silence_while_redis_was_away_is_nobodys(desk: Desk) -> None:
    """Nothing could be read: others' figures are not old because of that."""
    desk.run(6, both_say(desk))
    desk.redis.is_silent = True
    desk.run(12)
    desk.redis.is_silent = False
    desk.run(4)

    assert {line["verdict"] for line in desk.paper.of("pipeline")} == {"ok"}
    desk.run(10)
    assert desk.paper.of("pipeline")[-1]["verdict"] == "cpu(ingress)"


def test_a_stall_of_ours_is_told_with_its_window_even_if_it_was_at_its_beginning(desk: Desk) -> None:
    """What it did to the reply is not the model's fault."""
    desk.run(3, both_say(desk))
    desk.lag.window_ms = 400.0
    desk.run(1, both_say(desk))
    desk.lag.window_ms = 1.0
    desk.stage.call.counters.starved += 1
    desk.run(2, both_say(desk))

    assert [line["verdict"] for line in desk.paper.of("pipeline")] == ["ok", "cpu(egress)"]
    desk.run(3, both_say(desk))
    assert desk.paper.of("pipeline")[-1]["verdict"] == "ok"


def test_a_reply_that_ran_dry_is_judged_at_the_end_of_its_window(desk: Desk) -> None:
    """What may explain it is on the card only then."""
    desk.run(3, both_say(desk))
    desk.stage.call.counters.starved += 1
    desk.run(2, both_say(desk))
    assert desk.paper.of("pipeline_warning") == []
    desk.run(1, both_say(desk))

    assert [line["verdict"] for line in desk.paper.of("pipeline_warning")] == ["model_slow"]


def test_a_twilio_that_plays_nothing_is_seen_before_the_next_second(desk: Desk) -> None:
    """By its overdue mark, within 1.5 s of the moment at which it stops, kernel buffers or not."""
    desk.stage.say(speech(20 * 8_000))
    desk.run(3, both_say(desk))
    desk.stage.echoes_are_lost = True
    stalled_at = desk.stage.now
    while not desk.window.is_stuck:
        desk.stage.run(100)
        assert desk.stage.now - stalled_at <= 1_500
    desk.window.look(desk.stage.now)

    (warning,) = desk.paper.of("pipeline_warning")
    assert warning["verdict"] == "twilio_slow"
    assert not desk.window.is_stuck, "once an episode"


def test_marks_that_are_overdue_because_ingress_is_silent_are_not_twilios(desk: Desk) -> None:
    """It died, or does not run: the caller's socket may be as good as ever."""
    desk.stage.say(speech(20 * 8_000))
    desk.run(3, both_say(desk))
    counters = desk.stage.call.ledger.counters
    while counters.marks_sent == counters.echoes:
        desk.stage.run(5)
    desk.stage.ingress_is_dead = desk.stage.echoes_are_lost = True
    desk.run(3, lambda: desk.role_says("brain"))

    line = desk.paper.of("pipeline")[-1]
    assert cast(float, line["ws_block_ms"]) > 500
    assert line["verdict"] == "ok"
    assert not desk.window.is_stuck


def test_drops_are_counted_once_and_by_cause(desk: Desk) -> None:
    """Ours, what ingress could not write, what the brain did not admit."""
    desk.stage.say(speech(8_000))
    both_say(desk, skipped=4)()
    desk.role_says("ingress", overflowed=7)
    desk.run(3)
    desk.stage.call.counters.frames_flushed += 5
    desk.run(3)

    assert [line["drops"] for line in desk.paper.of("pipeline")] == [
        {"overflowed": 7, "not_admitted": 4},
        {"flushed": 5},
    ]


def test_a_backlog_that_no_verdict_explains_has_its_own_two_lines(desk: Desk) -> None:
    """With all figures; inside an episode it is one of these."""
    desk.redis.caller = 400
    desk.run(6, both_say(desk))
    desk.redis.caller = 0
    desk.run(12, both_say(desk))

    (warning,) = desk.paper.of("backlog_warning")
    (over,) = desk.paper.of("backlog_warning_over")
    assert (warning["verdict"], warning["caller_q"]) == ("caller_q", 400)
    assert {"tx_q", "reply_q_ms", "ws_block_ms", "lag_brain_ms", "redis_ms"} <= set(warning)
    assert (over["peak"], desk.paper.of("pipeline_warning")) == (400, [])

    desk.redis.caller = 400
    desk.run(6, both_say(desk, quiet=9_000))
    assert len(desk.paper.of("backlog_warning")) == 1
