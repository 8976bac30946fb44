"""µ-law tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import mulaw


def test_known_codes() -> None:
    """Corner codes are those of G.711."""
    assert list(mulaw.decode(b"\x00\x80\xff\x7f")) == [-32124, 32124, 0, 0]
    assert mulaw.encode([0, 32767, -32768]) == b"\xff\x80\x00"


def test_every_code_survives_a_round_trip() -> None:
    """Decoding and encoding gives each byte back; the negative zero becomes the positive one."""
    codes = bytes(range(256))
    assert mulaw.encode(mulaw.decode(codes)) == codes.replace(b"\x7f", b"\xff")


@given(st.integers(-32768, 32767))
def test_error_is_below_a_segment_step(sample: int) -> None:
    """Companding loses at most a sixteenth of the sample, or a few units near zero."""
    (back,) = mulaw.decode(mulaw.encode([sample]))
    assert abs(back - sample) <= max(8, abs(sample) / 16)


def test_sample_out_of_range_is_refused() -> None:
    """A sample that is no 16-bit number is an error, not noise."""
    with pytest.raises(OverflowError):
        mulaw.encode([40_000])


def test_energy_orders_loudness() -> None:
    """Silence is 0, full scale 1, and more is more."""
    assert mulaw.energy(bytes([mulaw.SILENCE]) * 160) == 0.0
    assert mulaw.energy(b"") == 0.0
    assert mulaw.energy(b"\x80" * 160) == 1.0
    assert mulaw.energy(mulaw.encode([1000] * 160)) < mulaw.energy(mulaw.encode([3000] * 160))
