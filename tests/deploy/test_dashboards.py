"""Dashboard, alert rules and scrape configuration name what the processes export, and nothing else.

No server is started: the roles are put together and asked what they would tell.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proofs.pages import metrics as metrics_table
from shared.contract.worker import ROLES
from shared.settings import Settings, load
from tests.support import plain_yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
TARGET_LABELS = {"role", "instance", "job"}
"""What Prometheus itself, or deploy/prometheus.yml, adds to every series."""

NAME = re.compile(r"\b(?:trunkline|process)_[a-z0-9_]+\b|\bup\b")
SELECTOR = re.compile(r"\b((?:trunkline|process)_[a-z0-9_]+|up)\{([^}]*)\}")
MATCHER = re.compile(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|ignoring|on) \(([^)]*)\)")

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "trunkline.json").read_text("utf-8"))
RULES: dict[str, Any] = plain_yaml.read((DEPLOY / "alerts" / "trunkline.rules.yml").read_text("utf-8"))
SCRAPE: dict[str, Any] = plain_yaml.read((DEPLOY / "prometheus.yml").read_text("utf-8"))
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]


@dataclass(frozen=True, slots=True)
class Series:
    """What stands behind one name of an expression: its labels, each with the values it has."""

    labels: dict[str, set[str]]


@pytest.fixture(scope="module")
def known() -> dict[str, Series]:
    """Every name that can stand in an expression."""
    found = {"up": Series({})}
    for registry in asyncio.run(metrics_table.registries()).values():
        for metric in metrics_table.collect(registry):
            for sample in metric.samples:
                series = found.setdefault(sample.name, Series({}))
                for label, value in sample.labels.items():
                    series.labels.setdefault(label, set()).add(value)
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every panel and rule."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r} {target['refId']}", target["expr"]
    for rule in ALERTS:
        yield f"alert {rule['alert']}", rule["expr"]


EXPRESSIONS = list(expressions())
IDS = [where for where, _ in EXPRESSIONS]


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=IDS)
def test_every_metric_exists_with_its_labels(where: str, expression: str, known: dict[str, Series]) -> None:
    """By its whole name, suffixes included; matchers name labels it has, and words those can be."""
    names = set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
    assert names
    assert names - known.keys() == set()

    for name, matchers in SELECTOR.findall(expression):
        for label, sign, value in MATCHER.findall(matchers):
            words = known[name].labels.get(label)
            assert words is not None or label in TARGET_LABELS, f"{name} has no label {label!r}"
            if words is not None and sign in ("=", "!="):
                assert value in words, f"{label} of {name} is never {value!r}"

    at_hand = TARGET_LABELS.union(*(known[name].labels for name in names))
    grouped = {label.strip() for found in GROUPING.findall(expression) for label in found.split(",")}
    assert grouped <= at_hand


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=IDS)
def test_counters_are_rated_and_quantiles_keep_their_buckets(where: str, expression: str) -> None:
    """The bare value of a counter says how old the process is; a quantile without `le` says nothing."""
    counters = re.findall(r"\btrunkline_\w+_(?:total|bucket|sum|count)\b", expression)
    rated = re.findall(r"\b(?:rate|increase)\((trunkline_\w+)", expression)
    assert sorted(counters) == sorted(rated)
    for grouping in re.findall(r"histogram_quantile\([0-9.]+, sum by \(([^)]*)\)", expression):
        assert "le" in [label.strip() for label in grouping.split(",")]
    assert expression.count("(") == expression.count(")")


def test_dashboard_can_be_imported() -> None:
    """Unique ids, a data source to choose, variables that the panels use, no panel without a word on it."""
    panels = DASHBOARD["panels"]
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert set(variables) == {"datasource", "role", "instance"}
    for panel in panels:
        if panel["type"] != "row":
            assert panel["description"], panel["title"]
            assert panel["targets"], panel["title"]
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    used = {name for _, expression in EXPRESSIONS for name in re.findall(r"\$([a-z]+)\b", expression)}
    assert used == {"role", "instance"}


def test_dashboard_panels_do_not_overlap() -> None:
    """Each has its place on a grid of 24 columns."""
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """How long, how bad, what it is, and what the operator does now."""
    assert re.fullmatch(r"Trunkline[A-Za-z]+", rule["alert"])
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert len(rule["annotations"]["description"]) > 80
    for text in rule["annotations"].values():
        for label in re.findall(r"\$labels\.([a-z_]+)", text):
            assert label in TARGET_LABELS


def test_labels_of_a_summary_survive_the_expression() -> None:
    """What is summed away cannot be named."""
    for rule in ALERTS:
        named = set(re.findall(r"\$labels\.([a-z_]+)", " ".join(rule["annotations"].values())))
        for aggregate in re.findall(r"\b(?:sum|max|min)\b(?: by \(([^)]*)\))? ?\(", rule["expr"]):
            assert named <= {label.strip() for label in aggregate.split(",")}, rule["alert"]


def test_alert_names_are_unique() -> None:
    """Two of one name could not be silenced apart."""
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)


def test_scrape_configuration_finds_every_process() -> None:
    """The ports of two workers of each role, each target with its role, and the rules beside it."""
    settings = load("ingress", env_file=None, public_url="https://bridge.invalid", twilio_auth_token="none")
    (job,) = SCRAPE["scrape_configs"]
    expected = {
        role: [f"127.0.0.1:{settings.admin_port(role, number)}" for number in range(2)] for role in ROLES
    }

    assert job["job_name"] == "trunkline"
    assert {each["labels"]["role"]: each["targets"] for each in job["static_configs"]} == expected
    assert [(DEPLOY / name).is_file() for name in SCRAPE["rule_files"]] == [True]


def test_table_of_metrics_is_current() -> None:
    """docs/metrics.md is made from the code."""
    command = [sys.executable, "-m", "proofs.pages.metrics", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_metric_of_the_page_exists(known: dict[str, Series]) -> None:
    """Its text names some beside the table."""
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    text = page.partition("<!-- metrics:begin -->")[0]
    named = set(re.findall(r"`((?:trunkline|process)_[a-z0-9_]+)`", text))
    families = known.keys() | {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in known}

    assert named
    assert named - families == set()


def test_no_label_is_of_a_call(known: dict[str, Series]) -> None:
    """The number of series must not grow with calls."""
    labels = {label for series in known.values() for label in series.labels}
    own = {"lane", "worker", "version", "le", "agent", "model"}
    words = {
        "cause",
        "reason",
        "answer",
        "gate",
        "outcome",
        "status",
        "what",
        "verdict",
        "how",
        "why",
        "where",
    }

    assert {
        label for name in known if name.startswith("trunkline_") for label in known[name].labels
    } <= own | words
    assert not labels & {"call", "call_sid", "stream", "from", "to", "number"}


@pytest.mark.parametrize(
    "text", ["a: b: c", "a:\n\tb: 1", "a: 1\na: 2", "a: *b", "a: {b: 1}", "a: |\n  b", "a:"]
)
def test_only_plain_yaml_is_read(text: str) -> None:
    """What YAML readers may take in different ways is refused."""
    with pytest.raises(plain_yaml.NotPlainError):
        plain_yaml.read(text)


def test_what_an_alert_tells_to_do_can_be_done() -> None:
    """Settings and pages that it names exist."""
    said = " ".join(text for rule in ALERTS for text in rule["annotations"].values())
    settings = {f"TRUNKLINE_{name.upper()}" for name in Settings.model_fields}

    assert set(re.findall(r"\bTRUNKLINE_[A-Z_]+\b", said)) - settings == set()
    assert [
        name for name in re.findall(r"\b(?:docs|deploy)/[\w.]+\w", said) if not (ROOT / name).exists()
    ] == []
