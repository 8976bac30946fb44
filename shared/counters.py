"""From declared counters to /metrics, without writing any figure down twice.

Why it exists: counters are plain fields of typed, slotted dataclasses, incremented directly where things
happen. A missing one is an AttributeError in the first test, not a zero that hides a fault.

Owns: the translation of such objects into Prometheus families. Must not know: any single counter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Figures = Callable[[], float]


class DeclaredCounters(Collector):
    """Exports each int or float field of dataclass instances as `trunkline_<group>_<field>_total`."""

    def __init__(self) -> None:
        self._groups: dict[str, Any] = {}
        self._gauges: dict[str, tuple[str, Figures]] = {}

    def add(self, group: str, counters: Any) -> None:
        """`counters`: a dataclass instance whose fields only grow."""
        if not dataclasses.is_dataclass(counters):
            raise TypeError(f"expected a dataclass of counters for {group!r}, got {type(counters).__name__}")
        self._groups[group] = counters

    def gauge(self, name: str, help_text: str, read: Figures) -> None:
        """A figure that goes up and down, read at each scrape."""
        self._gauges[name] = (help_text, read)

    def collect(self) -> Iterator[Metric]:
        for group, counters in self._groups.items():
            for name, value in _numbers(counters):
                text = f"{name.replace('_', ' ')} ({group})"
                yield CounterMetricFamily(f"trunkline_{group}_{name}", text, value=value)
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"trunkline_{name}", text, value=read())

    def registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(self)
        return registry


def _numbers(counters: Any) -> Iterable[tuple[str, float]]:
    for name, value in dataclasses.asdict(counters).items():
        if isinstance(value, dict):
            for key, item in value.items():
                yield f"{name}_{key}", float(item)
        else:
            yield name, float(value)
