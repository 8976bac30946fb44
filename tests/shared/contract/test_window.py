"""Windows: JSON on the card, and an error with a name where a figure is missing."""

from __future__ import annotations

import orjson
import pytest

from shared.contract import window
from shared.contract.errors import ContractError
from shared.contract.record import CONTRACT
from shared.contract.window import BrainWindow, PipelineFigures

WINDOW = BrainWindow(
    v=CONTRACT, at_ms=1, worker="brain-0@h#1", lag_ms=0.5, redis_ms=1.0, redis_refusal="", quiet_ms=0.0,
    audio_ms_per_s=990.5, skipped=0, queued_events=0,
)  # fmt: skip


def test_a_window_survives_the_way() -> None:
    """Dump, load, same."""
    assert window.load(BrainWindow, window.dump(WINDOW)) == WINDOW


def test_a_renamed_figure_is_an_error_with_its_name() -> None:
    """The writer says it under another name: the reader does not take that for 0."""
    found = orjson.loads(window.dump(WINDOW))
    found["silence_ms"] = found.pop("quiet_ms")
    with pytest.raises(ContractError, match="expected a number in quiet_ms of BrainWindow, got nothing"):
        window.load(BrainWindow, orjson.dumps(found).decode())


def test_an_older_window_says_nothing_of_a_refusal() -> None:
    """Its writer knows no such figure; a reader of its version passes over ours."""
    found = orjson.loads(window.dump(WINDOW))
    del found["redis_refusal"]
    assert window.load(BrainWindow, orjson.dumps({**found, "v": 3}).decode()).redis_refusal == ""
    assert window.load(BrainWindow, orjson.dumps({**found, "v": 3, "of_a_newer": 1}).decode()).v == 3


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"v": "1"}', "null"])
def test_what_is_no_window_is_refused(text: str) -> None:
    """Whatever stands in the field."""
    with pytest.raises(ContractError):
        window.load(BrainWindow, text)


def test_the_figures_of_a_summary_for_people() -> None:
    """By their names, `None` where nobody said; when it was and whose fault stand elsewhere."""
    summary = PipelineFigures(
        v=CONTRACT, at_ms=1, verdict="ok", why="", window_ms=3000.0, tx_q=7, tx_q_age_ms=0.0,
        reply_q_ms=0.0, caller_q=0, tx_fps=50.0, sent=150, ws_block_ms=0.0, unsent_bytes=0,
        write_p99_ms=None, delta_rate=None, model_quiet_ms=None, starved=0, late=0, ai_speaking="",
        redis_ms=1.0, lag_ingress_ms=None, lag_brain_ms=0.5, lag_egress_ms=0.5, owed_ms=0, owed_cause="",
        drops={"flushed": 3},
    )  # fmt: skip
    found = window.figures(summary)
    assert (found["tx_q"], found["write_p99_ms"], found["drops"]) == (7, None, {"flushed": 3})
    assert not set(found) & {"v", "at_ms", "verdict", "why"}


def test_the_writer_of_an_unreadable_window_is_known_if_it_says_so() -> None:
    """A figure was renamed: the line about it names the worker that did it."""
    found = orjson.loads(window.dump(WINDOW))
    del found["quiet_ms"]

    assert window.writer_of(orjson.dumps(found).decode()) == WINDOW.worker
    assert [window.writer_of(text) for text in ("", "x", "[]", "{}", '{"worker": 1}')] == [""] * 5
