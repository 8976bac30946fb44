"""What is left of the model account's rate: both ways."""

from __future__ import annotations

import pytest

from shared.contract.admission.model import COUNTS_MOST_MS, LEFT, model_commands, read_model
from shared.contract.keys import MODEL


def test_what_is_written_is_read() -> None:
    """With how long it counts, a minute at most."""
    written, expires = model_commands(0.0405, 90_000)
    assert written.args[:3] == (b"HSET", MODEL.encode(), LEFT.encode())
    assert read_model(written.args[3]) == pytest.approx(0.0405, abs=0.001)
    assert expires.args == (b"PEXPIRE", MODEL.encode(), b"%d" % COUNTS_MOST_MS)
    assert model_commands(1.0, 0)[1].args[2] == b"1"


@pytest.mark.parametrize("found", [None, b"", b"much", b"-1", b"1.5", b"nan"])
def test_what_says_nothing_is_nothing(found: bytes | None) -> None:
    """Nobody has said, or it is garbage: no call is refused for it."""
    assert read_model(found) is None
