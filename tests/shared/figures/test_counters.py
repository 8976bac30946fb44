"""Declared fields become families of Prometheus, each with its text and bounded labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from prometheus_client import generate_latest

from shared.figures.counters import OTHER, Counts, DeclaredCounters, help_texts
from shared.figures.histograms import Histogram


@dataclass(slots=True)
class Sample:
    """Counters of nothing."""

    seen: int = 0
    """Things seen,
    on two lines."""
    plain: int = 0
    drops: Counts = field(default_factory=lambda: Counts("cause", ("late", OTHER)))
    wait_ms: Histogram = field(default_factory=lambda: Histogram((1.0, 2.0)))
    """How long."""


def exposed(metrics: DeclaredCounters) -> str:
    """What a scrape gets of ours."""
    lines = generate_latest(metrics.registry()).decode().splitlines()
    return "\n".join(line for line in lines if "trunkline_" in line)


def test_each_kind_of_field_has_its_family() -> None:
    """An int, Counts, a Histogram; texts from the strings below the fields."""
    metrics, sample = DeclaredCounters(), Sample(seen=3)
    sample.drops["late"] += 2
    sample.wait_ms.observe(1.5)
    metrics.add("sample", sample)

    text = exposed(metrics)

    assert "# HELP trunkline_sample_seen_total Things seen, on two lines." in text
    assert "# HELP trunkline_sample_plain_total Plain (sample)" in text
    assert "trunkline_sample_seen_total 3.0" in text
    assert 'trunkline_sample_drops_total{cause="late"} 2.0' in text
    assert 'trunkline_sample_drops_total{cause="other"} 0.0' in text
    assert 'trunkline_sample_wait_ms_bucket{le="1.0"} 0.0' in text
    assert 'trunkline_sample_wait_ms_bucket{le="+Inf"} 1.0' in text
    assert "trunkline_sample_wait_ms_sum 1.5" in text
    assert "# HELP trunkline_sample_wait_ms How long." in text


def test_groups_of_one_name_are_one_family() -> None:
    """Prometheus refuses a family that is told twice; the label tells the groups apart."""
    metrics = DeclaredCounters()
    for lane in ("0", "1"):
        metrics.add("sample", Sample(seen=int(lane) + 1), lane=lane)

    text = exposed(metrics)

    assert text.count("# TYPE trunkline_sample_seen_total counter") == 1
    assert 'trunkline_sample_seen_total{lane="1"} 2.0' in text
    assert 'trunkline_sample_drops_total{cause="late",lane="0"} 0.0' in text


def test_a_group_that_is_added_again_takes_the_place_of_the_first() -> None:
    """Egress makes its sums again each second."""
    metrics = DeclaredCounters()
    metrics.add("sample", Sample(seen=1))
    metrics.add("sample", Sample(seen=5))

    assert "trunkline_sample_seen_total 5.0" in exposed(metrics)


def test_gauges_and_facts() -> None:
    """A gauge is read at each scrape; what the process is stands in labels of one series."""
    metrics, level = DeclaredCounters(), [1.0]
    metrics.gauge("level", "How high", lambda: level[0])
    metrics.fact(role="brain", worker="brain-0@h")
    exposed(metrics)
    level[0] = 7.0

    text = exposed(metrics)

    assert "trunkline_level 7.0" in text
    assert 'trunkline_process_info{role="brain",worker="brain-0@h"} 1.0' in text


def test_a_word_that_was_not_declared_is_no_new_series() -> None:
    """A typing error is found by the first test that meets it; a word from elsewhere is `other`."""
    counts = Counts("cause", ("late", OTHER))
    with pytest.raises(KeyError):
        counts["lat"] += 1
    counts.count("whatever Twilio says")
    counts.count("late")

    assert counts == {"late": 1, "other": 1}


def test_only_dataclasses_are_counters() -> None:
    """Whatever else would hide what it counts."""
    with pytest.raises(TypeError, match="expected a dataclass"):
        DeclaredCounters().add("sample", {"seen": 1})


def test_texts_are_of_fields_alone() -> None:
    """The class's own string is no field's."""
    assert help_texts(Sample) == {"seen": "Things seen, on two lines.", "wait_ms": "How long."}
