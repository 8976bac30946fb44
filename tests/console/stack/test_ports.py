"""Free ports."""

from __future__ import annotations

import random
import socket

import pytest

from console.stack import ports


def test_a_free_port_is_free_and_below_the_kernels_own_range() -> None:
    """Outgoing connections of the machine never take it."""
    port = ports.free_port()
    assert ports.LOWEST <= port < ports.HIGHEST
    assert ports.is_free(port)


def test_a_taken_port_is_not_free() -> None:
    """Also when the listener shares it, as ingress processes do."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


def test_a_row_of_ports_leaves_out_what_is_to_be_avoided() -> None:
    """None of the row is in `avoid`."""
    avoid = set(range(ports.LOWEST, ports.HIGHEST, 50))
    base = ports.free_base(20, avoid)
    assert avoid.isdisjoint(range(base, base + 20))


def test_no_free_port_says_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The range, the number, and how to see who listens."""
    monkeypatch.setattr(random, "randrange", lambda low, _high: low)
    with pytest.raises(ports.NoFreePort, match=r"expected 2 free TCP port\(s\).*found none.*ss -ltn"):
        ports.free_base(2, avoid={ports.LOWEST})
