"""The pictures of the web console: each is there, is shown, and is small enough for a page."""

from __future__ import annotations

import struct

import pytest

from proofs.pages import parts
from proofs.pages.shots import SHOTS, Shot

MOST_BYTES = 250_000


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_a_picture_is_of_its_size_and_on_the_page(shot: Shot) -> None:
    """As `make shots` takes it."""
    found = (parts.DOCS / f"{shot.name}.png").read_bytes()
    assert found.startswith(b"\x89PNG")
    assert struct.unpack(">II", found[16:24]) == (shot.width_px, shot.height_px)
    assert len(found) < MOST_BYTES
    assert f"({shot.name}.png)" in (parts.DOCS / "console.md").read_text("utf-8")
