"""`trunkline listen`: where the sound goes, and that it is noted."""

from __future__ import annotations

import asyncio
import threading
from array import array
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.app import app
from console.calls import audit
from console.listen.commands import _linear
from console.listen.sound import Heard
from shared.contract.streams.audit import AuditEntry, Deed
from shared.contract.streams.tape import tape_command
from shared.exit_codes import Exit
from shared.mulaw import decode
from shared.sound.wav import read_wav
from shared.store.client import Store, make_store
from tests.console.listen.test_sound import said
from tests.console.recorder.test_placing import entry
from tests.support.reading import waiting_reads
from tests.support.redis_samples import KEYS, ONE, make_living_call
from tests.support.waiting import wait_until


async def a_call(url: str, is_there: threading.Event) -> None:
    """A call that ends once somebody has listened to some of it."""
    store = make_store(url, name="test")
    await make_living_call(store, ONE)
    is_there.set()
    await wait_until(lambda: said(store), "somebody listens", timeout_s=20)
    await wait_until(lambda: waiting_reads(store, "listen"), "their read stands, behind their word")
    for number in (1, 2):
        await store.execute(tape_command(KEYS, ONE, entry(number), creates=True))
    await store.hset(KEYS.card(ONE), "state", "ended")
    await store.aclose()


async def deeds(url: str) -> list[AuditEntry]:
    store: Store = make_store(url, name="test")
    try:
        return await audit.newest(store)
    finally:
        await store.aclose()


def test_a_call_is_heard_into_a_file(
    valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To its end; who listened stands in the audit stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey_url)
    is_there = threading.Event()
    other = threading.Thread(target=lambda: asyncio.run(a_call(valkey_url, is_there)))
    other.start()
    assert is_there.wait(20)
    out = tmp_path / "heard.wav"
    done = CliRunner().invoke(app, ["listen", ONE, "--out", str(out)])
    other.join()
    assert done.exit_code == Exit.OK, done.output
    one, two = (decode(bytes([code]))[0] for code in (1, 2))
    assert list(read_wav(out.read_bytes()).samples) == [one] * 4000 + [two] * 4000
    assert out.stat().st_mode & 0o777 == 0o600
    (deed,) = asyncio.run(deeds(valkey_url))
    assert (deed.deed, deed.of) == (Deed.LISTEN, ONE)


def test_a_call_that_is_not_there_is_said_so(
    valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey_url)
    done = CliRunner().invoke(app, ["listen", "CA" + "9" * 32, "--out", str(tmp_path / "x.wav")])
    assert done.exit_code == Exit.FAILED


def test_down_a_pipe_both_sides_take_turns() -> None:
    found = array("h", _linear(Heard(b"\x01\x02", b"\xff\xff")))
    assert list(found[::2]) == list(decode(b"\x01\x02"))
    assert list(found[1::2]) == [0, 0]
