"""Alerts that one look can tell, under the names, severities and limits of deploy/alerts."""

from __future__ import annotations

import re

import pytest

from console.calls import firing
from console.calls.firing import APOLOGIES_MOST, LOOKED_AT, Firing, Late, Moment
from console.calls.live import AnyCall
from tests.support.layout import ROOT
from tests.support.top_samples import (
    call,
    figures,
    silent_worker,
    unreadable_call,
    unreadable_worker,
    worker,
    workers,
)

RULES = (ROOT / "deploy/alerts/trunkline.rules.yml").read_text("utf-8")


def names(found: list[Firing]) -> list[str]:
    return [each.alert.removeprefix("Trunkline") for each in found]


def of_calls(*calls: AnyCall, apologies: int = 0) -> list[Firing]:
    return firing.firing(Moment(calls=calls, workers=workers(), apologies=apologies))


def test_no_alert_of_a_fleet_that_is_well() -> None:
    """Nor of an empty one: nobody runs there, and nobody need tidy up."""
    assert of_calls(call(1, response_ms=640), call(2), unreadable_call(3)) == []
    assert firing.firing(Moment(has_janitor=False)) == []


def test_alerts_of_workers() -> None:
    """A dead process, a late loop, a role that is nearly full, nobody who tidies up."""
    full = worker("egress-0", calls=86, capacity=100)
    late = worker("brain-0", loop_lag_ms=140.0)
    mine = (silent_worker("ingress-0"), late, full, unreadable_worker("x"))
    found = firing.firing(Moment(workers=mine, has_janitor=False))
    assert names(found) == ["ProcessDown", "LoopLag", "NearlyFull", "NoJanitor"]
    assert found[0].words == "ingress-0 has shown no beat for 1:00"
    assert found[2].words == "egress serves 86 of 100 calls"


def test_a_role_without_a_free_place_is_full() -> None:
    """The next caller would hear that all lines are busy."""
    found = firing.firing(Moment(workers=[worker("brain-0", calls=100, capacity=100)]))
    assert names(found) == ["Full", "NearlyFull"]


def test_while_redis_is_away_that_is_the_alert() -> None:
    """What was seen before says nothing of now."""
    away = Moment(workers=[silent_worker("brain-0")], lost="Redis does not answer")
    assert names(firing.firing(away)) == ["RedisAway"]


@pytest.mark.parametrize(
    ("verdict", "bad", "alert"), [("twilio_slow", 2, "TwilioSlow"), ("model_slow", 3, "ModelSlow")]
)
def test_a_share_of_windows_is_told_by_the_last_one_of_each_call(verdict: str, bad: int, alert: str) -> None:
    """Of twenty calls one twentieth is what Twilio's share may be, a tenth what the model's may."""

    def twenty(slow: int) -> list[AnyCall]:
        return [call(n, verdict=verdict if n < slow else "ok") for n in range(20)]

    assert of_calls(*twenty(bad - 1)) == []
    (found,) = of_calls(*twenty(bad))
    assert (found.alert, found.words) == (
        f"Trunkline{alert}", f"{verdict} is the verdict on {bad} of 20 calls",
    )  # fmt: skip


def test_late_frames_slow_commits_and_slow_answers() -> None:
    """By the last windows; one that is of a time that is over is not looked at."""
    late = call(1, pipeline=figures(late=2, sent=150))
    assert firing.frames_late([late, call(2, pipeline=None)]) == {"egress-0@box#c3": Late(2, 150)}
    (found,) = of_calls(late)
    assert (found.alert, found.words) == ("TrunklineFramesLate", "egress-0 sent 2 of 150 frames late")
    (found,) = of_calls(call(1, pipeline=figures(redis_ms=140.0)))
    assert (found.alert, "140 ms" in found.words) == ("TrunklineRedisSlow", True)
    (found,) = of_calls(call(1, response_ms=3_200), call(2, response_ms=None), call(3, response_ms=400))
    assert (found.alert, "1 of 2 calls" in found.words) == ("TrunklineAnswersSlow", True)


def test_apologies_are_dead_air_and_many_are_silence() -> None:
    """In ten minutes, as the rules count them."""
    assert names(of_calls(apologies=1)) == ["DeadAir"]
    assert names(of_calls(apologies=APOLOGIES_MOST)) == ["DeadAir"]
    assert names(of_calls(apologies=APOLOGIES_MOST + 1)) == ["DeadAir", "Silence"]


def test_these_are_alerts_of_prometheus_with_its_severity_and_its_limit() -> None:
    """Under the same names: who knows one knows the other."""
    told = dict(re.findall(r"- alert: (\w+)\n(?:(?! +- alert:).*\n)*? +severity: (\w+)", RULES))
    assert LOOKED_AT.items() <= told.items()
    assert list(LOOKED_AT) == [name for name in told if name in LOOKED_AT]
    for alert, limit in (
        ("NearlyFull", firing.NEARLY_FULL), ("FramesLate", firing.FRAMES_LATE),
        ("TwilioSlow", firing.TWILIO_SHARE), ("ModelSlow", firing.MODEL_SHARE),
        ("RedisSlow", firing.REDIS_MS), ("AnswersSlow", firing.ANSWER_MS),
        ("Silence", APOLOGIES_MOST / (firing.APOLOGIES_MS / 1000)),
    ):  # fmt: skip
        (expression,) = re.findall(rf"- alert: Trunkline{alert}\n +expr: (.+)", RULES)
        assert expression.endswith(f"> {limit:g}"), alert
