"""`trunkline top` from outside: one screen, one snapshot, and a real terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable

import pytest

from console.calls import live
from console.calls.beats import BeatWatch
from console.calls.ending import Means
from console.stack.plan import REPOSITORY
from console.top import screen
from console.top.state import Snapshot
from shared.exit_codes import Exit
from shared.store.client import make_store
from tests.support.redis_samples import BRAIN, INGRESS, KEYS, ONE, TWO, make_call, make_living_call
from tests.support.top_samples import AT_MS, call, snapshot, unreadable_call, unreadable_worker, worker

NOWHERE = "redis://127.0.0.1:9/0"

LOOK_S = 0.1
"""What draws nothing for so long may have ended."""


async def fill(url: str) -> None:
    """A call that is well, one that cannot be read, three workers."""
    store = make_store(url, name="test")
    await make_living_call(store, ONE)
    await make_call(store, TWO, 2_000, leg="many")
    await store.aclose()


async def test_one_screen(valkey_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the line of keys: nobody can press them."""
    await fill(valkey_url)
    assert await screen.once(valkey_url, as_data=False) == Exit.OK
    shown = capsys.readouterr().out
    assert "trunkline top  1 call  0 not ok  50 frames/s  3 of 3 workers alive  1 unreadable" in shown
    assert "expected a whole number in leg of PeopleView, got 'many'" in shown
    assert "select" not in shown


async def test_one_snapshot_for_programs(valkey_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls, workers; what cannot be read says why."""
    await fill(valkey_url)
    assert await screen.once(valkey_url, as_data=True) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert [each["call_sid"] for each in found["calls"]] == [ONE, TWO]
    assert [set(each) for each in found["calls"]][1] == {"call_sid", "problem", "ghost"}
    assert found["workers"][2]["name"] == INGRESS
    assert found["trouble"] == ""


def test_a_snapshot_leaves_cards_out() -> None:
    """`show` has them."""
    data = Snapshot(
        at_ms=AT_MS,
        calls=(call(1, fields={"profile": "long"}), unreadable_call(2)),
        workers=(worker("brain-0"), unreadable_worker("brain-1")),
    )
    assert "profile" not in screen.as_json(data)
    assert "many" in json.loads(screen.as_json(data))["calls"][1]["problem"]


async def test_when_redis_goes_away_the_last_picture_stays() -> None:
    """With the reason."""
    store = make_store(NOWHERE, name="test")
    before = snapshot(call(1))
    watch = BeatWatch()
    after = await screen.read(lambda: live.look(store, KEYS, watch), watch, before)
    await store.aclose()
    assert after.calls == before.calls
    assert after.trouble.startswith("Redis does not answer")


async def test_without_a_terminal_it_says_what_to_use_instead() -> None:
    """Tests have none."""
    with pytest.raises(LookupError, match="--once"):
        await screen.run(NOWHERE, 1.0, Means())


class Terminal:
    """`trunkline top` on a terminal of 118 × 30."""

    def __init__(self, url: str) -> None:
        self.shown = b""
        self.side, other = pty.openpty()
        termios.tcsetwinsize(other, (30, 118))
        self.before = termios.tcgetattr(other)
        self.other = other
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "top", "--redis-url", url, "--interval", "0.1"],
            stdin=other, stdout=other, stderr=other, cwd=REPOSITORY, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "", "LINES": ""},
        )  # fmt: skip

    def wait_for(self, text: str) -> None:
        """Reads what is drawn until `text` stands in what was drawn since the last key."""
        self._read_until(lambda: text.encode() in self.shown, text)

    def wait_for_end(self) -> int | None:
        """Its exit code. The terminal is read meanwhile: it is put back only once all was shown."""
        self._read_until(lambda: self.process.poll() is not None, "the end")
        return self.process.returncode

    def _read_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what!r} in {self.shown[-2000:]!r}"
            has_drawn, _, _ = select.select([self.side], [], [], LOOK_S)
            if has_drawn:
                self.shown += os.read(self.side, 65_536)

    def press(self, keys: bytes) -> None:
        self.shown = b""
        os.write(self.side, keys)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.side)
        os.close(self.other)


@pytest.fixture
async def terminal(valkey_url: str) -> AsyncIterator[Terminal]:
    await fill(valkey_url)
    store = make_store(valkey_url, name="test")
    await store.delete(KEYS.worker(BRAIN))
    await store.aclose()
    made = Terminal(valkey_url)
    yield made
    made.close()


def test_keys_on_a_terminal(terminal: Terminal) -> None:
    """A call is opened, ended after a question, and the terminal is as it was. Its brain is gone: nobody is
    asked, and so it says."""
    terminal.wait_for("1 unreadable")
    terminal.press(b"\r")
    terminal.wait_for("journal (UTC)")
    terminal.press(b"h")
    terminal.wait_for(f"Hang up {ONE}? y or n")
    terminal.press(b"y")
    terminal.wait_for("ended (outcome operator)")
    terminal.press(b"qq")
    assert terminal.wait_for_end() == Exit.OK
    assert termios.tcgetattr(terminal.other) == terminal.before
