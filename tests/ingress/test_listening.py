"""The listening socket: our own, shared, or inherited."""

from __future__ import annotations

import os
import socket

import pytest

from ingress.listening import inherited_listener, own_listener


def test_two_processes_share_a_port() -> None:
    """SO_REUSEPORT lets a second socket listen on the same port."""
    with own_listener("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with own_listener("127.0.0.1", port) as second:
            assert second.getsockname()[1] == port


def test_port_of_somebody_else() -> None:
    """A port without SO_REUSEPORT is not shared."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            own_listener("127.0.0.1", taken.getsockname()[1])


def test_inherited() -> None:
    """A listening descriptor is taken as a copy; the original stays open."""
    with own_listener("127.0.0.1", 0) as original:
        found = inherited_listener(original.fileno())
        assert found is not None
        with found:
            assert found.getsockname() == original.getsockname()
        assert original.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_not_inherited() -> None:
    """A file, a closed descriptor, a pipe and a connected socket are no listeners."""
    one, other = socket.socketpair()
    reader, writer = os.pipe()
    with one, other, open(os.devnull) as devnull:
        for descriptor in (devnull.fileno(), one.fileno(), reader):
            assert inherited_listener(descriptor) is None
    os.close(reader)
    os.close(writer)
    assert inherited_listener(reader) is None
