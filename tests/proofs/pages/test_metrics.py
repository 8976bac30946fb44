"""The table of metrics, made from registries of our own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from proofs.pages.metrics import filled, rows

BEGIN, END = "<!-- metrics:begin -->", "<!-- metrics:end -->"
PAGE = f"before\n{BEGIN}\nold\n{END}\nafter\n"


def registry(*, with_lane: bool) -> CollectorRegistry:
    made = CollectorRegistry()
    Gauge("trunkline_live_calls", "Calls | now", registry=made).set(1)
    Gauge("process_threads", "The library's own", registry=made)
    if with_lane:
        errors = Counter("trunkline_errors", "Errors", ["code", "lane"], registry=made)
        for code, lane in (("b", "0"), ("a", "7")):
            errors.labels(code, lane)
    return made


def test_each_metric_has_one_line_over_all_roles() -> None:
    """Ours only, by name; values of labels that depend on the deployment are left out."""
    every = {
        "ingress": registry(with_lane=False),
        "brain": registry(with_lane=True),
        "egress": registry(with_lane=False),
    }
    page = filled(PAGE, rows(every))

    lines = page.splitlines()
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ("before", BEGIN, END, "after")
    assert [each for each in lines if each.startswith("| `")] == [
        "| `trunkline_errors_total` | counter | brain | `code`: a, b<br>`lane` | Errors |",
        "| `trunkline_live_calls` | gauge | all |  | Calls \\| now |",
    ]


def test_filling_a_page_again_changes_nothing() -> None:
    """Else `--check` would fail for ever."""
    found = rows({"brain": registry(with_lane=True)})
    assert filled(filled(PAGE, found), found) == filled(PAGE, found)
