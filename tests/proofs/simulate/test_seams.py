"""Where a process touches its kernel by other ways than asyncio."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import closing

import pytest
import structlog

from ingress import role as ingress_role
from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine
from proofs.simulate.kernel.processes import Processes
from proofs.simulate.kernel.virtual import VirtualClock
from proofs.simulate.seams import seams
from shared.logs.log import get_log
from shared.process import life, neighbours


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Of a world without any."""
    with closing(VirtualLoop(VirtualClock())) as loop:
        yield loop.processes


def test_all_is_put_back(processes: Processes) -> None:
    """After a world everything is as before."""
    root = logging.getLogger()
    before = (
        *(life.StallWatch, life.admin_listener, life.own_origin, ingress_role.public_listener),
        *(neighbours.open_exit, neighbours.os, list(root.handlers)),
    )
    config, had_gc = structlog.get_config(), gc.isenabled()
    with seams(History(lambda: 0.0), processes):
        assert life.StallWatch is not before[0]
        assert neighbours.os is not before[5]
        assert not gc.isenabled()
    assert before == (
        *(life.StallWatch, life.admin_listener, life.own_origin, ingress_role.public_listener),
        *(neighbours.open_exit, neighbours.os, list(root.handlers)),
    )
    assert structlog.get_config() == config
    assert gc.isenabled() == had_gc


def test_logs_are_history(processes: Processes) -> None:
    """Ours and those of libraries, with the process that wrote them."""
    history = History(lambda: 0.0)
    with seams(history, processes):
        context = Machine("brain-0").context()
        context.run(lambda: get_log(call="CA1").warning("went_wrong", count=2))
        context.run(lambda: logging.getLogger("some.library").warning("of %s", "theirs"))
    first, second = history.lines
    assert first.endswith("brain-0    warning went_wrong call=CA1 count=2")
    assert second.endswith("brain-0    library some.library: of theirs")


def test_a_process_has_an_origin_of_its_own(processes: Processes) -> None:
    """By pid and namespace, so that neighbours can tell whether a pid means anything to them."""
    with seams(History(lambda: 0.0), processes):
        found = [Machine(name, pid, space).context().run(life.own_origin) for name, pid, space in ORIGINS]
    assert [(each.pid, each.pid_started, each.pid_ns) for each in found] == [(7, 7, 1), (8, 8, 1), (9, 9, 9)]
    assert found[0].shares_pids(found[1].boot_id, found[1].pid_ns)
    assert not found[0].shares_pids(found[2].boot_id, found[2].pid_ns)


ORIGINS = (("brain-0", 7, 1), ("brain-1", 8, 1), ("brain-2", 9, 9))
