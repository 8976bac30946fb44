"""The window of a call: its line, its fields on the card, and warnings, against a fake Redis."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import orjson
import pytest

from egress import pipeline as pipeline_module
from egress.held_call import HeldCall
from egress.pipeline import CallPipeline
from shared.diagnosis import STALE_MS
from shared.keys import Keys
from shared.logs import Log
from shared.outbox import OnReply
from shared.process import Process
from tests.egress.stage import Stage, speech

SID = "CA" + "0" * 32


@dataclass
class FakeRedis:
    """The outbox, the card and the owner's pen in one: answers at once, or not at all."""

    card: dict[str, str] = field(default_factory=dict)
    caller: int = 3
    reply: int = 7
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
            on_reply(self.caller if args[1].endswith(b":caller") else self.reply)

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
        at = {"at": self.stage.now, "worker": f"{role}-0", "lag": 2.0, "redis": 3.0}
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

    assert len(desk.paper.of("pipeline")) == 4


def test_a_call_that_ends_inside_an_episode_closes_it(desk: Desk) -> None:
    """No warning is left without its end."""
    desk.lag.window_ms = 400.0
    desk.run(2, both_say(desk))

    desk.window.end(desk.stage.now)
    desk.window.end(desk.stage.now)

    assert [line["verdict"] for line in desk.paper.of("pipeline_warning_over")] == ["cpu(egress)"]
