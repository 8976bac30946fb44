"""Worker names: they stand in keys and on cards, so they are parsed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import record
from shared.contract.errors import ContractError
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat, WorkerId, read_beat


def test_a_name_reads_back() -> None:
    """role-n@host#boot."""
    worker = WorkerId.parse("brain-3@host.example#1a2b")
    assert worker == WorkerId("brain", 3, "host.example", "1a2b")
    assert worker.instance == "brain-3@host.example"


@given(st.text(max_size=40))
def test_any_host_gives_a_name_that_reads_back(host: str) -> None:
    """Characters that keys use are replaced: braces would move a key to another slot."""
    worker = WorkerId.of_process("egress", 0, host, "00ff")
    assert WorkerId.parse(str(worker)) == worker


def test_nonsense_is_refused() -> None:
    """With what was expected and what came."""
    with pytest.raises(ValueError, match=r"expected a worker as role-n@host#boot, got 'brain'"):
        WorkerId.parse("brain")


def test_an_older_worker_has_no_admin_port() -> None:
    """Of the version before it was told, 0 stands; a worker of this version must tell it."""
    beat = Beat(
        beat=1, at_ms=1, host="h", pid=1, role="brain", calls=0, capacity=1, loop_lag_ms=0.0, draining=False,
        version="1", contract=CONTRACT, admin_port=9120,
    )  # fmt: skip
    written = {name: str(value) for name, value in record.write(beat).items()}
    assert read_beat(written) == beat
    del written["admin_port"]
    assert read_beat({**written, "contract": "1"}).admin_port == 0
    with pytest.raises(ContractError, match="in admin_port of Beat"):
        read_beat(written)
