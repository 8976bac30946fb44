"""One load from end to end: processes of their own, records, figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.stack.ports import free_port
from proofs.bench.order import Turn
from proofs.bench.sitting import FAILURES, Shape, load
from proofs.bench.systems import Running, Setting

pytestmark = pytest.mark.stack

SHAPE = Shape(seconds=5.0, barge_ins=0.0, seed=1)


def setting(out: Path, **more: Running) -> Setting:
    return Setting(out=out, model_port=free_port(), progress=lambda _: None, **more)


@pytest.mark.parametrize("system", ["leanest", "sample"])
async def test_a_load_has_its_figures(system: str, tmp_path: Path) -> None:
    """The greeting was heard, nothing of it lost; each process's CPU is its own."""
    figures = await load(Turn(2, 1, system), SHAPE, setting(tmp_path))
    assert (figures.system, figures.calls, figures.run) == (system, 2, 1)
    assert (figures.silent_calls, figures.bytes_lost, figures.turns_lost) == (0, 0, 0)
    assert list(figures.cpu_ms) == [system]
    assert min(figures.cpu_ms[system], figures.callers_cpu_ms, figures.model_cpu_ms) > 0
    assert figures.pss_mib is not None
    assert figures.caller_xlen_p95 is None


@pytest.mark.parametrize("system", ["trunkline", "unwatched", "recorded", "viewed"])
async def test_trunkline_has_queues_and_a_schedule_too(system: str, tmp_path: Path) -> None:
    """And more than one process."""
    figures = await load(Turn(1, 1, system), SHAPE, setting(tmp_path))
    assert figures.silent_calls == 0
    assert figures.caller_xlen_p95 is not None
    assert figures.schedule_p99_ms is not None
    assert {"valkey", "ingress-0", "brain-0", "egress-0"} <= set(figures.cpu_ms)


async def test_a_cluster_counts_all_its_servers(tmp_path: Path) -> None:
    """Three masters and three replicas; calls of all lanes are looked at."""
    figures = await load(Turn(2, 1, "cluster16"), SHAPE, setting(tmp_path))
    assert figures.silent_calls == 0
    assert figures.caller_xlen_p95 is not None
    servers = {name for name in figures.cpu_ms if name.startswith("valkey")}
    assert servers == {f"valkey-{number}" for number in range(6)}
    assert min(figures.cpu_ms[name] for name in servers) > 0
    assert {"ingress-0", "brain-0", "egress-0"} <= set(figures.cpu_ms)


async def test_a_server_that_is_not_there_leaves_its_callers_in_silence(tmp_path: Path) -> None:
    """Which is a figure, no failure of the bench; its CPU cannot be told."""
    nobody = Running(callers=("--url", f"ws://127.0.0.1:{free_port()}/media"))
    figures = await load(Turn(1, 1, "given"), SHAPE, setting(tmp_path, given=nobody))
    assert figures.silent_calls == 1
    assert (figures.cpu_call_second_ms, figures.pss_mib, figures.bytes_lost) == (None, None, None)


async def test_what_does_not_come_up_is_one_of_the_failures(tmp_path: Path) -> None:
    """So that the others go on."""
    with pytest.raises(FAILURES):
        await load(Turn(1, 1, "nobody"), SHAPE, setting(tmp_path))
