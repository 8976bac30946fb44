"""Where a process touches its kernel by other ways than asyncio."""

from __future__ import annotations

import gc
import logging

import structlog

from ingress import role as ingress_role
from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.machine import Machine
from proofs.simulate.seams import seams
from shared.logs.log import get_log
from shared.process import life


def test_all_is_put_back() -> None:
    """After a world everything is as before."""
    root = logging.getLogger()
    before = (life.StallWatch, life.admin_listener, ingress_role.public_listener, list(root.handlers))
    config, had_gc = structlog.get_config(), gc.isenabled()
    with seams(History(lambda: 0.0)):
        assert life.StallWatch is not before[0]
        assert not gc.isenabled()
    assert before == (
        life.StallWatch,
        life.admin_listener,
        ingress_role.public_listener,
        list(root.handlers),
    )
    assert structlog.get_config() == config
    assert gc.isenabled() == had_gc


def test_logs_are_history() -> None:
    """Ours and those of libraries, with the process that wrote them."""
    history = History(lambda: 0.0)
    with seams(history):
        context = Machine("brain-0").context()
        context.run(lambda: get_log(call="CA1").warning("went_wrong", count=2))
        context.run(lambda: logging.getLogger("some.library").warning("of %s", "theirs"))
    first, second = history.lines
    assert first.endswith("brain-0    warning went_wrong call=CA1 count=2")
    assert second.endswith("brain-0    library some.library: of theirs")
