"""Free ports."""

from __future__ import annotations

import random
import socket
import subprocess
import sys

import pytest

from console.stack import ports
from shared.clock import now_ms


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


def test_a_port_is_given_to_one_stack_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody listens yet. For some time only: by then somebody does, or never will."""
    monkeypatch.setattr(random, "randrange", lambda low, _high: low + 5)
    at_ms = now_ms()
    port = ports.free_port()
    with pytest.raises(ports.NoFreePort):
        ports.free_port()

    monkeypatch.setattr(ports, "now_ms", lambda: at_ms + 2 * ports.CLAIMED_MS)
    assert ports.free_port() == port


def test_a_port_that_another_process_has_claimed_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as that process lives."""
    monkeypatch.setattr(random, "randrange", lambda _low, high: high - 7)
    program = (
        "import random; from console.stack import ports\n"
        "random.randrange = lambda low, high: high - 7\n"
        "print(ports.free_base(3), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        base = int(other.stdout.readline())
        with pytest.raises(ports.NoFreePort):
            ports.free_base(3)
        other.communicate("\n")
    assert ports.free_base(3) == base


def test_ports_that_are_wished_for_are_taken_all_or_none() -> None:
    """Free, and nobody else's for a while; a taken one among them spoils them."""
    base = next(port for port in range(31_100, 32_000, 3) if all(map(ports.is_free, range(port, port + 3))))
    assert ports.take(range(base, base + 2))
    assert not ports.take(range(base, base + 2))
    with socket.create_server(("127.0.0.1", base + 2)):
        assert not ports.take([base + 2])
