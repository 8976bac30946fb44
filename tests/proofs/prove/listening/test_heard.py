"""What the model was told against what was heard, on records written by hand."""

from __future__ import annotations

import pytest

from proofs.prove.listening import heard
from proofs.prove.listening.heard import Row, judge
from simulators.realtime.record import Truncation
from tests.support.record_samples import audio, call, clears, ends, hears, receives, session, speaks


def cut_off(row: Row, *, told_ms: int, cleared_at_ms: float) -> None:
    """An item of 400 ms, heard from 1,000 on; the model is told at 1,100."""
    caller, model = call(), session()
    speaks(model, "item_a", audio(1, 20))
    hears(caller, audio(1, 20), 1_000)
    clears(caller, cleared_at_ms)
    model.truncations.append(Truncation(1_100, "item_a", told_ms, 400.0))
    receives(model, "conversation.item.truncate", at_ms=1_100, item_id="item_a")
    ends(caller, 60_000)
    judge(row, caller, [model])


def test_the_clear_that_belongs_to_it_comes_later() -> None:
    """By the way out; what is heard until then was heard."""
    row = Row(100.0, 30.0)
    cut_off(row, told_ms=190, cleared_at_ms=1_220)
    cut_off(row, told_ms=225, cleared_at_ms=1_220)
    cut_off(row, told_ms=241, cleared_at_ms=1_220)

    assert row.errors_ms == [-30.0, 5.0, 21.0]
    assert row.outside == 2


def test_a_clear_that_comes_later_than_the_network_allows_is_anothers() -> None:
    """So nobody can say."""
    row = Row(0.0, 0.0)
    cut_off(row, told_ms=100, cleared_at_ms=1_220)
    assert (row.errors_ms, row.unjudged) == ([], 1)


@pytest.mark.parametrize(
    ("errors_ms", "broken"),
    [([-20.0, 20.0], 0), ([-20.5], 1), ([], 1)],
)
def test_what_is_promised_of_a_network(errors_ms: list[float], broken: int) -> None:
    """At most a frame either way; and that something was cut off at all."""
    assert sum(heard._promises([Row(50.0, 0.0, errors_ms)]).values()) == broken
