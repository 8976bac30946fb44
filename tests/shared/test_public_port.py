"""What an ingress and the holder of the public port agree on."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from shared import public_port


def test_an_address() -> None:
    """As supervisord spells it."""
    assert public_port.parse_address("tcp://0.0.0.0:8080") == ("0.0.0.0", 8080)
    for wrong in ("8080", "0.0.0.0:8080", "tcp://0.0.0.0", "unix:///run/x", "tcp://:80"):
        with pytest.raises(ValueError, match="expected tcp://host:port"):
            public_port.parse_address(wrong)


def test_the_meeting_place_is_this_users_alone() -> None:
    """One for each address, short enough for a Unix socket."""
    one, other = (public_port.meeting_place(f"tcp://127.0.0.1:{number}") for number in (1, 2))
    assert one != other
    assert stat.S_IMODE(one.parent.stat().st_mode) == 0o700
    assert one.parent.stat().st_uid == os.getuid()


def test_a_socket_is_passed_on() -> None:
    """The same one, under another descriptor; a message without one is just a message."""
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert public_port.is_ours(one)
        public_port.send(one, listener)
        said, found = public_port.receive(other)
        assert said == public_port.HAVE
        assert found is not None
        with found:
            assert found.getsockname() == listener.getsockname()
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        one.sendall(public_port.WANT)
        assert public_port.receive(other) == (public_port.WANT, None)
