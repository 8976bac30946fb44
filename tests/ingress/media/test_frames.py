"""WebSocket frames by hand agree with the library, whatever the library would see."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import OP_BINARY, OP_PING, OP_TEXT, Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from ingress.media.frames import split_frame, split_text_frames, text_frame

LIMIT = 64 * 1024


def masked(payload: bytes, opcode: int = OP_TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@given(payload=st.binary(max_size=300) | st.integers(65_000, 66_000).map(bytes))
def test_text_frame_is_read_by_the_library(payload: bytes) -> None:
    """A client of the library reads our frame as one text message of the same bytes."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN, max_size=None)
    client.receive_data(text_frame(payload))
    (event,) = client.events_received()
    assert isinstance(event, Frame)
    assert (event.opcode, event.data, event.fin) == (OP_TEXT, payload, True)


@given(payloads=st.lists(st.binary(max_size=500), max_size=5), rest=st.integers(0, 20))
def test_whole_text_frames_are_taken_and_a_part_is_left(payloads: list[bytes], rest: int) -> None:
    """All whole frames come out in order; a frame's beginning stays for the library."""
    part = masked(bytes(100))[:rest]
    taken, left = split_text_frames(b"".join(map(masked, payloads)) + part, LIMIT)
    assert taken == payloads
    assert left == part


@given(data=st.binary(max_size=200))
def test_any_bytes_are_split_without_loss(data: bytes) -> None:
    """What is not taken is left untouched, and the taken part is whole frames only."""
    taken, left = split_text_frames(data, LIMIT)
    assert data.endswith(left)
    headers = sum(6 if len(payload) < 126 else 8 for payload in taken)
    assert len(data) == len(left) + sum(map(len, taken)) + headers


def test_others_are_left() -> None:
    """Control, binary, fragmented, unmasked, over-long and wrongly sized frames are the library's."""
    text = masked(b"a")
    for other in (
        masked(b"p", OP_PING),
        masked(b"b", OP_BINARY),
        masked(b"f", fin=False),
        text_frame(b"unmasked"),
        masked(bytes(LIMIT + 1)),
        masked(bytes(70_000)),
        b"\x81\xfe\x00\x05" + bytes(4) + b"abcde",
    ):
        assert split_text_frames(text + other + text, LIMIT) == ([b"a"], other + text)


def test_a_frame_above_the_limit_is_left() -> None:
    """The library, not we, answers 1009."""
    frame = masked(bytes(2000))
    assert split_text_frames(frame, 1999) == ([], frame)
    assert split_text_frames(frame, 2000) == ([bytes(2000)], b"")


@given(
    frames=st.lists(
        st.tuples(st.sampled_from([OP_TEXT, OP_BINARY, OP_PING]), st.binary(max_size=120), st.booleans()),
        max_size=4,
    ),
    rest=st.integers(0, 60),
)
def test_any_whole_frame_is_split_off(frames: list[tuple[int, bytes, bool]], rest: int) -> None:
    """Whatever its kind, masked or not; a part of one waits for the rest of it."""
    whole = [Frame(opcode, data, True).serialize(mask=mask) for opcode, data, mask in frames]
    part = masked(bytes(100))[:rest]
    data = b"".join(whole) + part
    taken = []
    while (found := split_frame(data, LIMIT)) is not None:
        frame, data = found
        taken.append(frame)
    assert (taken, data) == (whole, part)


def test_a_frame_above_the_limit_is_given_to_the_library_as_far_as_it_is_there() -> None:
    """Its header says enough for a refusal."""
    head = masked(bytes(2000))[:50]
    assert split_frame(head, 1999) == (head, b"")
    assert split_frame(head, 2000) is None
