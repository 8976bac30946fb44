"""Worker names: they stand in keys and on cards, so they are parsed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.worker import WorkerId


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
