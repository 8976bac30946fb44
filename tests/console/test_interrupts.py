"""Signals as cancellations."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from console import interrupts


def test_an_end_without_a_signal_gives_the_exit_code() -> None:
    """Of the coroutine."""

    async def main() -> int:
        return 3

    assert interrupts.run(main()) == 3


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_cancels_and_gives_the_shells_code(number: signal.Signals) -> None:
    """Every `finally` runs, with awaits in it."""
    steps: list[str] = []

    async def main() -> int:
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(60)  # It does not end by itself.
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")
        return 0

    assert interrupts.run(main()) == 128 + number
    assert steps == ["cleaned up"]


def test_a_second_signal_cancels_the_clean_up() -> None:
    """Which may take that as: at once."""
    steps: list[str] = []

    async def main() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)  # It does not end by itself, nor does the next one.
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                steps.append("hurried")
        return 0

    assert interrupts.run(main()) in (0, 130)
    assert steps == ["hurried"]


def test_an_error_is_an_error() -> None:
    """Not swallowed."""

    async def main() -> int:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        interrupts.run(main())
