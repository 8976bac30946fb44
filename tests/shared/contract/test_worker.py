"""Worker names: they stand in keys and on cards, so they are parsed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import record
from shared.contract.errors import ContractError
from shared.contract.record import CONTRACT
from shared.contract.worker import PULSE, Beat, Pulse, WorkerId, read_beat, read_pulse


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


BEAT = Beat(
    beat=1, at_ms=1, host="h", pid=7, role="brain", calls=0, capacity=1, loop_lag_ms=0.0, draining=False,
    version="1", contract=CONTRACT, admin_port=9120, pid_started=99, boot_id="b", pid_ns=5,
)  # fmt: skip


def test_a_neighbour_reads_which_process_a_beat_is_of() -> None:
    """Of an older worker the pid is all that is told; no hash is no pulse, half of one an error."""
    written = {name: str(value).encode() for name, value in record.write(BEAT).items()}
    values = [written[name] for name in PULSE]
    assert read_pulse(values) == Pulse(
        beat=1, contract=CONTRACT, pid=7, pid_started=99, boot_id="b", pid_ns=5
    )
    older = {**dict.fromkeys(PULSE), "beat": b"1", "contract": b"2", "pid": b"7"}
    assert read_pulse(list(older.values())) == Pulse(
        beat=1, contract=2, pid=7, pid_started=0, boot_id="", pid_ns=0
    )
    assert read_pulse([None] * len(PULSE)) is None
    with pytest.raises(ContractError, match="in pid of Pulse"):
        read_pulse([None if name == "pid" else written[name] for name in PULSE])


def test_an_older_worker_has_no_admin_port() -> None:
    """Of the version before it was told, 0 stands; a worker of this version must tell it."""
    beat = BEAT
    written = {name: str(value) for name, value in record.write(beat).items()}
    assert read_beat(written) == beat
    del written["admin_port"]
    assert read_beat({**written, "contract": "1"}).admin_port == 0
    with pytest.raises(ContractError, match="in admin_port of Beat"):
        read_beat(written)
