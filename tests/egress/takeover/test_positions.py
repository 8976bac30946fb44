"""What egress keeps on the card comes back as it was, and what never was there has a meaning."""

from __future__ import annotations

import pytest

from egress.reply.backlog import Base
from egress.takeover.positions import read_start
from shared.contract import record
from shared.contract.card import CallState, EgressFigures
from shared.contract.views import EgressView
from tests.egress.stage import Stage, frames_of, speech


def view(**saved: object) -> EgressView:
    """What a claim finds on the card: what the scripts wrote, and what an owner before us saved."""
    scripted = {"state": CallState.ATTACHED, "leg": "2", "ingress": "i", "cut": "0", "frame_n": "0"}
    scripted["egress_claims"] = "2"
    return record.read(EgressView, {**scripted, **{name: str(value) for name, value in saved.items()}})


def test_a_base_survives_the_card() -> None:
    """What one owner saves is where the next one begins."""
    stage = Stage()
    stage.say(speech(16_000), "item_a")
    stage.run(1_000)
    figures = stage.delivery.save(stage.now).figures
    assert figures.base_frame > 0

    start = read_start(view(**record.write(figures)))

    assert isinstance(figures, EgressFigures)
    assert start.base == Base(
        cut=figures.base_cut, item_id="item_a", frame=figures.base_frame, n=figures.base_n
    )
    assert (start.frame_n, start.leg, start.ingress, start.is_first) == (figures.frame_n, 2, "i", False)
    assert start.connected


def test_a_new_call_starts_at_nothing() -> None:
    """A card that egress has not written: frame 1, cut 0."""
    start = read_start(view())

    assert start.base == Base(cut=0, item_id="", frame=0, n=0)
    assert start.frame_n == 0


def test_a_call_that_redis_had_lost_starts_above_all_numbers_so_far() -> None:
    """What ingress has forwarded was of a reply that is gone: nothing of the next one was sent already."""
    for cut in (0, 3):
        stage = Stage()
        stage.card, stage.highest_n = {"frame_n": "1000", "cut": str(cut)}, 1005
        stage.claim()
        stage.run(50)
        stage.say(speech(3200), "item_next", epoch=1001, cut=cut)
        stage.run(1_000)

        assert stage.delivery.counters.frames_skipped == 0
        assert stage.audio() == frames_of(speech(3200))
        assert [n for _, n in stage.sent_at] == list(range(1101, 1121))
        assert stage.silent().cause == "played"
        assert stage.clears == []


def test_a_call_without_a_stream_is_not_connected() -> None:
    """Its next stream is told by a control message."""
    assert not read_start(view(state=CallState.DETACHED)).connected


@pytest.mark.parametrize(
    ("base_leg", "is_of_leg", "behind_ms"), [("2", True, 40.0), ("1", False, 0.0), (None, True, 40.0)]
)
def test_numbers_count_within_a_leg(base_leg: str | None, is_of_leg: bool, behind_ms: float) -> None:
    """And so does what echoes said of its way. An older version does not say which leg it was."""
    saved = {} if base_leg is None else {"base_leg": base_leg}
    start = read_start(view(base_n=1, base_cut=3, ear_behind_ms=40, **saved))

    assert (start.is_of_leg, start.behind_ms, start.cut) == (is_of_leg, behind_ms, 3)


def test_the_highest_cut_is_the_brains() -> None:
    """It has flushed, and the owner before us has not read it yet."""
    assert read_start(view(base_cut=3, cut=4)).cut == 4
