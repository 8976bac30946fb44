"""From declared counters to /metrics, without writing any figure down twice.

Why it exists: counters are plain fields of typed, slotted dataclasses, incremented directly where things
happen. A missing one is an AttributeError in the first test, not a zero that hides a fault.

Owns: the translation of such objects into Prometheus families: an int or float is a counter, a Histogram a
histogram, Counts are a counter with one label; the string below a field is its help text. Must
not know: any single counter.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from shared.figures.histograms import Histogram

PREFIX = "trunkline"
OTHER = "other"

Figures = Callable[[], float]


class Counts(dict[str, int]):
    """Counts by a word of a closed set; a field's `default_factory=lambda: Counts("cause", Admit)`.

    Every word has its zero from the start: one that was never declared is a KeyError, not a new series.
    """

    __slots__ = ("label",)

    def __init__(self, label: str, words: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(map(str, words), 0))
        self.label = label

    def count(self, word: str) -> None:
        """One more of a word that comes from elsewhere: it must have `other`, for what was not declared."""
        self[word if word in self else OTHER] += 1


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    name: str
    counters: Any
    labels: dict[str, str]


class DeclaredCounters(Collector):
    """Exports each field of dataclass instances as `trunkline_<group>_<field>`."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._gauges: dict[str, tuple[str, Figures]] = {}
        self._facts: dict[str, str] = {}

    def add(self, group: str, counters: Any, **labels: str) -> None:
        """`counters`: a dataclass instance whose fields only grow.

        The same group and labels again: these take the place of the earlier ones. Groups of one name have
        the same class and the same label names.
        """
        if not dataclasses.is_dataclass(counters):
            raise TypeError(f"expected a dataclass of counters for {group!r}, got {type(counters).__name__}")
        self._groups[(group, *labels.values())] = _Group(group, counters, labels)

    def gauge(self, name: str, help_text: str, read: Figures) -> None:
        """A figure that goes up and down, read at each scrape."""
        self._gauges[name] = (help_text, read)

    def fact(self, **facts: str) -> None:
        """What this process is, as labels of `trunkline_process_info`."""
        self._facts.update(facts)

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for group in self._groups.values():
            for field in dataclasses.fields(group.counters):
                _export(families, group, field.name)
        yield from families.values()
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value=read())
        if self._facts:
            info = GaugeMetricFamily(f"{PREFIX}_process_info", "Always 1", labels=list(self._facts))
            info.add_metric(list(self._facts.values()), 1)
            yield info

    def registry(self) -> CollectorRegistry:
        """For the admin port: ours, and what the library knows of any process (CPU, memory, files)."""
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry


def _export(families: dict[str, Metric], group: _Group, name: str) -> None:
    """Adds one field to its family, which another group of the name may have begun."""
    full_name = f"{PREFIX}_{group.name}_{name}"
    value = getattr(group.counters, name)
    by = [value.label] if isinstance(value, Counts) else []
    labels = list(group.labels.values())
    family = families.get(full_name)
    if family is None:
        text = _help(type(group.counters)).get(name) or f"{name.capitalize()} ({group.name})".replace(
            "_", " "
        )
        make = HistogramMetricFamily if isinstance(value, Histogram) else CounterMetricFamily
        family = families[full_name] = make(full_name, text, labels=[*group.labels, *by])
    if isinstance(family, HistogramMetricFamily):
        family.add_metric(labels, value.cumulative(), value.sum)
    elif isinstance(family, CounterMetricFamily):
        rows = value.items() if by else [("", value)]
        for word, count in rows:
            family.add_metric([*labels, word] if by else labels, float(count))


def _help(kind: type[Any]) -> dict[str, str]:
    """`help_texts`, read once a class."""
    if kind not in _read:
        _read[kind] = help_texts(kind)
    return _read[kind]


_read: dict[type[Any], dict[str, str]] = {}


def help_texts(kind: type[Any]) -> dict[str, str]:
    """The string below each field of a class, on one line; fields without one are left out."""
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except OSError:
        return {}  # No source is shipped: names have to do.
    (body,) = (node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for field, below in itertools.pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found
