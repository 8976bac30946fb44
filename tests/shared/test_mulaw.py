"""G.711 µ-law: the values of the table, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import mulaw
from shared.audio import SILENCE_BYTE

SAMPLES = st.integers(-32768, 32767)


@pytest.mark.parametrize(
    ("sample", "byte"),
    [(0, 0xFF), (1, 0xFF), (-1, 0xFF), (-4, 0x7E), (32767, 0x80), (-32768, 0x00), (4, 0xFE), (8, 0xFE)],
)
def test_values_of_the_table(sample: int, byte: int) -> None:
    """Silence, the ends of the scale, and the first steps beside zero."""
    assert mulaw.encode_sample(sample) & 0x7F == byte & 0x7F
    if abs(sample) > 3:
        assert mulaw.encode_sample(sample) == byte


def test_silence_is_zero() -> None:
    """As a telephone line has it."""
    assert mulaw.encode([0]) == bytes([SILENCE_BYTE])
    assert list(mulaw.decode(bytes([SILENCE_BYTE, 0x7F]))) == [0, 0]


@given(SAMPLES)
def test_a_sample_comes_back_as_near_as_a_telephone_brings_it(sample: int) -> None:
    """Within half a step of its segment; the loudest of all are cut."""
    (back,) = mulaw.decode(mulaw.encode([sample]))

    assert abs(back - sample) <= max(16, abs(sample) // 20)


def test_every_byte_but_one_is_its_own() -> None:
    """There are two zeros, and one of them is written."""
    back = mulaw.encode(mulaw.decode(bytes(range(256))))

    assert [code for code in range(256) if back[code] != code] == [0x7F]


def test_what_is_too_loud_is_as_loud_as_can_be() -> None:
    """A sum of sounds may be beyond 16 bits."""
    assert mulaw.encode([40_000, -40_000]) == mulaw.encode([32_767, -32_768])
