"""What stands on the pipe between the proof and its attackers."""

from __future__ import annotations

from random import Random

import pytest

from proofs.prove.hostile.scene import (
    Overheard,
    Scene,
    Tally,
    Target,
    overheard_line,
    read_overheard,
    read_tally,
    read_target,
    tally_line,
    target_line,
)

TARGET = Target(
    host="127.0.0.1",
    port=1,
    public_url="https://demo.test",
    stream_url="wss://demo.test/media",
    account_sid="AC1",
    auth_token="secret",
)
HEARD = Overheard(call_sid="CA1", url="https://demo.test/voice", params={"a": "b"}, token="t", is_over=False)


def test_lines_are_read_as_they_were_written() -> None:
    """A line each, each way."""
    tally = Tally()
    tally.note("idle", "cut", 3)
    tally.note("idle", "held")
    for line in (target_line(TARGET), overheard_line(HEARD), tally_line(tally)):
        assert line.count(b"\n") == 1
    assert read_target(target_line(TARGET)) == TARGET
    assert read_overheard(overheard_line(HEARD)) == HEARD
    assert read_tally(tally_line(tally)) == tally
    assert (tally.attempts("idle"), tally.attempts("none")) == (4, 0)


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]"])
def test_another_line_is_refused(line: bytes) -> None:
    """Not guessed at."""
    with pytest.raises((ValueError, TypeError)):
        read_target(line)


def test_no_secret_in_its_text() -> None:
    """An error may show the whole of it."""
    assert "secret" not in repr(TARGET)
    assert "'t'" not in repr(HEARD)


def test_what_is_heard_is_of_the_kind_that_is_asked_for() -> None:
    """Of a call that is over, or of one that was live."""
    scene = Scene(TARGET, Random(1))
    assert scene.heard(is_over=True) is None
    scene.overheard.append(HEARD)
    assert (scene.heard(is_over=False), scene.heard(is_over=True)) == (HEARD, None)
