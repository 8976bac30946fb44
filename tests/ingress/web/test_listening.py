"""The listening socket: our own, shared, or inherited."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from ingress.errors import WrongSocketError
from ingress.web.listening import inherited_listener, is_about_host, own_listener, public_listener
from shared.settings import Settings


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


@pytest.fixture
def inherited_port() -> Iterator[int]:
    """Descriptor 0 is a listening socket on 127.0.0.1, as under supervisord; gives its port."""
    saved = os.dup(0)
    with own_listener("127.0.0.1", 0) as listener:
        os.dup2(listener.fileno(), 0)
        try:
            yield listener.getsockname()[1]
        finally:
            os.dup2(saved, 0)
            os.close(saved)


def test_the_inherited_one_comes_first(inherited_port: int) -> None:
    """Without a word of ours on host or port, and with the same words."""
    for settings in (
        Settings(_env_file=None),
        Settings(_env_file=None, port=inherited_port),
        Settings(_env_file=None, port=inherited_port, host="localhost"),
    ):
        with public_listener(settings) as found:
            assert found.getsockname()[1] == inherited_port


def test_an_inherited_one_elsewhere_is_refused(inherited_port: int) -> None:
    """Expected, got, what to do: the port that was asked for is not the one that is open."""
    with pytest.raises(WrongSocketError) as refused:
        public_listener(Settings(_env_file=None, port=9999, host="0.0.0.0"))
    text = str(refused.value)
    assert "as TRUNKLINE_PORT=9999 and TRUNKLINE_HOST=0.0.0.0 says" in text
    assert f"got one on 127.0.0.1:{inherited_port}" in text
    assert "INGRESS_SOCKET in deploy/trunkline.conf" in text


def test_our_own_without_an_inherited_one() -> None:
    """On HOST and PORT."""
    with own_listener("127.0.0.1", 0) as sibling:
        port = sibling.getsockname()[1]
        with public_listener(Settings(_env_file=None, host="127.0.0.1", port=port)) as found:
            assert found.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_a_host_that_cannot_be_listened_on_is_no_matter_of_the_port(host: str) -> None:
    """A name that nobody knows, the address of another host; a port that is taken is told apart."""
    with pytest.raises(OSError, match=r"known|assign") as refused:
        own_listener(host, 0)
    assert is_about_host(refused.value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use") as refused:
            own_listener("127.0.0.1", taken.getsockname()[1])
    assert not is_about_host(refused.value)
