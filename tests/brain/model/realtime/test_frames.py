"""Text frames, as a server of the library reads them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import OP_TEXT, Frame
from websockets.protocol import OPEN, SERVER, Protocol

from brain.model.realtime.frames import MASK_BYTES, MASKS, FrameWriter


def read(data: bytes) -> list[Frame]:
    """What a server makes of the bytes."""
    server = Protocol(SERVER, state=OPEN, max_size=None)
    server.receive_data(data)
    events = server.events_received()
    assert server.parser_exc is None
    return [event for event in events if isinstance(event, Frame)]


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_written_is_read(payloads: list[bytes]) -> None:
    """One whole text frame each, in order."""
    writer = FrameWriter()
    found = read(b"".join([writer.text(payload) for payload in payloads]))
    assert [(frame.opcode, bytes(frame.data), frame.fin) for frame in found] == [
        (OP_TEXT, payload, True) for payload in payloads
    ]


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, 65_536, 200_000])
def test_each_length_has_its_header(size: int) -> None:
    """The three forms of RFC 6455, 5.2, at their edges."""
    (frame,) = read(FrameWriter().text(b"x" * size))
    assert bytes(frame.data) == b"x" * size


def test_each_frame_has_a_mask_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn once for many, given to one."""
    drawn: list[int] = []

    def random_bytes(count: int) -> bytes:
        drawn.append(count)
        return b"".join(
            (len(drawn) << 16 | number).to_bytes(4, "big") for number in range(count // MASK_BYTES)
        )

    monkeypatch.setattr(os, "urandom", random_bytes)
    writer = FrameWriter()
    masks = [writer.text(b"")[2 : 2 + MASK_BYTES] for _ in range(MASKS * 2 + 1)]
    assert len(set(masks)) == len(masks)
    assert drawn == [MASKS * MASK_BYTES] * 3
