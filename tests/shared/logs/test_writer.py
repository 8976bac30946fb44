"""The thread that writes lines: nobody waits for it, not even the end of the process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

from shared.logs.writer import QUEUE_LINES, LineWriter, LogCounters
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


def make(stream: io.TextIOBase) -> LineWriter:
    return LineWriter(stream, LogCounters(), lambda lines: f"lost {lines}")  # type: ignore[arg-type]


async def test_a_pipe_that_nobody_reads_blocks_nobody() -> None:
    """Lines are dropped and counted; when it is read again, a line says how many, and none is torn."""
    read_end, write_end = os.pipe()
    line = "x" * 200
    with os.fdopen(read_end) as reader, os.fdopen(write_end, "w") as stalled:
        writer = make(stalled)
        for _ in range(QUEUE_LINES * 3):
            writer.write(line)
        dropped = writer.counters.lines_dropped
        assert dropped > 0
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(reader), daemon=True)
        thread.start()
        await wait_until(lambda: f"lost {dropped}\n" in found, "the loss is told")
        writer.close()
        stalled.close()
        thread.join(5)
    assert set(found) == {f"{line}\n", f"lost {dropped}\n"}
    assert len(found) - 1 + dropped == QUEUE_LINES * 3


def test_a_process_whose_output_nobody_reads_ends_with_its_own_code() -> None:
    """Its last lines are lost; it does not wait for their reader."""
    program = (
        "import sys\n"
        "from shared.logs.log import configure, get_log\n"
        "writer = configure('info', 'json')\n"
        "for number in range(20_000):\n"
        "    get_log().info('line', number=number)\n"
        "writer.close(0.2)\n"
        "sys.exit(7)\n"
    )
    read_end, write_end = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, stdout=write_end, stderr=subprocess.PIPE, timeout=50, check=False, text=True,
        )  # fmt: skip
    finally:
        os.close(write_end)
        os.close(read_end)
    assert (done.returncode, done.stderr) == (7, "")


def test_a_pipe_that_somebody_made_non_blocking_loses_nothing() -> None:
    """O_NONBLOCK belongs to the pipe, and who shares it can set it."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with os.fdopen(read_end) as reader, os.fdopen(write_end, "w") as shared_pipe:
        writer = make(shared_pipe)
        for number in range(QUEUE_LINES):
            writer.write(f"{number:0200}")
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(reader), daemon=True)
        thread.start()
        writer.close(10)
        shared_pipe.close()
        thread.join(5)
    assert [int(line) for line in found] == list(range(QUEUE_LINES))


def test_a_write_that_is_refused_ends_nothing() -> None:
    """A full disk; lines after it are written."""

    class Disk(io.StringIO):
        is_full = True

        def write(self, text: str) -> int:
            if self.is_full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    disk = Disk()
    writer = make(disk)
    writer.write("first")
    while not writer.counters.writes_failed:
        pass
    disk.is_full = False
    writer.write("second")
    writer.close()

    assert (disk.getvalue(), writer.counters.writes_failed) == ("second\n", 1)
