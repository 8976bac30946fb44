"""The figures of a sitting for people and for programs."""

from __future__ import annotations

import json

from proofs.bench.judging import Figures
from proofs.bench.medians import rows
from proofs.bench.order import GIVEN, SYSTEMS, VARIANTS
from proofs.bench.report import TITLES, UNKNOWN, short, to_json, to_markdown
from tests.proofs.bench.samples import figures


def sitting() -> list[Figures]:
    return [
        figures(
            "leanest", cpu_ms={"leanest": 2.0}, response_p50_ms=800.0, response_p99_ms=900.0, bytes_lost=0
        ),
        figures(cpu_ms={"brain": 5.0, "egress": 1.0}, response_p50_ms=812.0, response_p99_ms=950.0),
        figures(calls=30, trouble=["no reply × 2"]),
    ]


def test_every_system_has_a_title() -> None:
    """Its own."""
    assert set(TITLES) == {*SYSTEMS, GIVEN, *VARIANTS}
    assert len(set(TITLES.values())) == len(TITLES)


def test_there_is_a_table_for_each_number_of_calls() -> None:
    """With as many cells in each line, what is added, and a dash for what cannot be told."""
    text = to_markdown(rows(sitting()), {"cores": 2}, {"agents": "pip said no\nand more"})
    ten, thirty = text.split("## 10 calls")[1].split("## 30 calls")
    table = [line for line in ten.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert "| Trunkline | 6.00 | 3.00 | 12, 50 |" in ten
    assert f"| Trunkline | {UNKNOWN} | {UNKNOWN} |" in thirty
    assert "of Trunkline, by process: brain 5.00, egress 1.00." in ten
    assert "- cores: 2" in text
    assert "- left out: `openai-agents`. pip said no\n" in text
    assert "- Trunkline, 30 calls: no reply × 2" in text


def test_what_a_variant_costs_is_told_beside_trunkline_alone() -> None:
    """Of the processes that both have: a recorder's own CPU is not the roles'."""
    plain = figures(cpu_ms={"brain-0": 5.0, "valkey": 1.0}, schedule_p99_ms=30.0)
    viewed = figures("viewed", cpu_ms={"brain-0": 5.1, "valkey": 1.05, "web": 2.0}, schedule_p99_ms=31.0)
    text = to_markdown(rows([plain, viewed]), {}, {})
    assert "tabs: CPU of roles and Redis 1.025 × Trunkline alone (6.15, 6.00 ms a call-second)" in text
    assert "schedule p99 1.033 × (31.0, 30.0 ms)." in text
    unpaced = figures("viewed", cpu_ms={"brain-0": 5.0}, schedule_p99_ms=None)
    assert f"schedule p99 {UNKNOWN} × ({UNKNOWN}, 30.0 ms)." in to_markdown(rows([plain, unpaced]), {}, {})
    assert "× Trunkline alone" not in to_markdown(rows([viewed]), {}, {})


def test_a_cluster_is_told_with_all_its_servers() -> None:
    """Masters and replicas, beside the one server; and what it adds to an answer."""
    plain = figures(cpu_ms={"brain-0": 5.0, "valkey": 1.0}, response_p50_ms=800.0)
    spread = figures(
        "cluster16", cpu_ms={"brain-0": 5.5, "valkey-0": 1.0, "valkey-5": 0.5}, response_p50_ms=802.0
    )
    text = to_markdown(rows([plain, spread]), {}, {})
    assert "16 lanes: CPU of roles and Redis 1.167 × Trunkline alone (7.00, 6.00 ms a call-second)" in text
    assert "; response p50 802, 800 ms; " in text


def test_the_json_has_every_run_and_the_medians() -> None:
    """For who wants more than a table."""
    document = json.loads(to_json(rows(sitting()), sitting(), {"cores": 2}))
    assert document["about"] == {"cores": 2}
    assert [run["calls"] for run in document["runs"]] == [10, 10, 30]
    assert document["medians"][1]["added_p99_ms"] == 50.0


def test_a_load_is_told_in_a_line() -> None:
    """While the sitting goes on."""
    line = short(sitting()[1])
    assert "\n" not in line
    assert "CPU ms a call-second 6.00" in line
    assert "response ms 812, 950" in line
    assert f"bytes lost {UNKNOWN}" in line


def test_next_to_nothing_has_no_sign() -> None:
    """A response that came a third of a millisecond earlier added 0 ms."""
    lean = figures("leanest", response_p50_ms=800.3, response_p99_ms=900.0)
    own = figures(response_p50_ms=800.0, response_p99_ms=890.0)
    assert "| 0, -10 |" in to_markdown(rows([lean, own]), {}, {})
