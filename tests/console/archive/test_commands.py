"""`trunkline archive`: keeps what is due, forgets what it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from typer.testing import CliRunner, Result

from console.app import app
from console.archive import commands
from console.archive.shelf import Search
from console.archive.sql import open_shelf
from console.calls import audit, live
from shared import caller_tag
from shared.contract.keys import Keys
from shared.contract.streams.audit import Deed
from shared.exit_codes import Exit
from shared.settings import load
from shared.store.access.grants import OPERATOR
from shared.store.client import Store, make_store
from tests.console.archive.samples import end_call, row
from tests.support import acl
from tests.support.redis_samples import ONE

NUMBER = "+15550006789"


@pytest.fixture(autouse=True)
def place(valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the archive."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/calls.sqlite"
    monkeypatch.setenv("REDIS_URL", valkey_url)
    monkeypatch.setenv("TRUNKLINE_ARCHIVE_URL", url)
    monkeypatch.setenv("TRUNKLINE_CALLER_KEY", "key")
    return url


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["archive", *words])


def in_redis(url: str, work: Callable[[Store], Awaitable[object]]) -> object:
    async def main() -> object:
        store = make_store(url, name="test")
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(main())


def kept(place: str) -> list[str]:
    shelf = open_shelf(place)
    found = [each.call_sid for each in shelf.find(Search()).calls]
    shelf.close()
    return found


def test_what_is_due_is_kept(valkey_url: str, place: str) -> None:
    """And no more is waited for."""
    in_redis(valkey_url, lambda store: end_call(store, ONE))
    assert run("--once").exit_code == Exit.OK
    assert kept(place) == [ONE]


def test_what_could_not_be_kept_once_is_told(
    valkey_url: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's user keeps calls; one that may not is no success."""
    acl.install(valkey_url, OPERATOR)
    in_redis(valkey_url, lambda store: end_call(store, ONE))
    monkeypatch.setenv("REDIS_URL", acl.url_of(valkey_url, OPERATOR))
    less = ("ACL", "SETUSER", acl.user_of(OPERATOR), "-zrevrangebyscore")
    in_redis(valkey_url, lambda store: store.redis.execute_command(*less))
    refused = run("--once")
    assert (refused.exit_code, "not all was kept that is due" in refused.stderr) == (Exit.FAILED, True)
    assert kept(place) == []
    acl.install(valkey_url, OPERATOR)
    assert run("--once").exit_code == Exit.OK
    assert kept(place) == [ONE]


def test_a_caller_is_forgotten_by_their_number(valkey_url: str, place: str) -> None:
    """Though it stands nowhere; the deed is written down without it."""
    tag = caller_tag.tags(NUMBER, load(env_file=None))[0]
    shelf = open_shelf(place)
    shelf.put(row(1, caller_tag=tag), b"x")
    shelf.put(row(2), b"x")
    shelf.close()

    told = run("--forget", NUMBER, "--json")

    assert json.loads(told.stdout) == {"kept": 1, "in_redis": 0, "recordings": 0, "live": []}
    assert kept(place) == [row(2).call_sid]
    (deed,) = in_redis(valkey_url, audit.newest)  # type: ignore[misc]
    assert deed.deed == Deed.FORGET
    assert NUMBER[-4:] not in deed.words


def test_a_call_is_forgotten_by_its_sid(place: str) -> None:
    """One that is nowhere is said to be."""
    shelf = open_shelf(place)
    shelf.put(row(1), b"x")
    shelf.close()
    assert run("--delete", row(1).call_sid).exit_code == Exit.OK
    assert kept(place) == []
    assert run("--delete", row(1).call_sid).exit_code == Exit.FAILED


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--forget", "…89"), "expected a number in full", Exit.USAGE),
        (("--delete", "CA1"), "expected a whole SID", Exit.USAGE),
        (("--once", "--delete", ONE), "got more", Exit.USAGE),
    ],
)
def test_a_slip_is_named(words: tuple[str, ...], said: str, code: Exit) -> None:
    """Nothing is deleted by half a name."""
    refused = run(*words)
    assert said in refused.stderr
    assert refused.exit_code == code


def test_without_a_key_a_masked_caller_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, instead of deleting a hundred callers' calls, or none."""
    monkeypatch.setenv("TRUNKLINE_CALLER_KEY", "")
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    refused = run("--forget", NUMBER)
    assert "TRUNKLINE_CALLER_KEY" in refused.stderr
    assert refused.exit_code == Exit.SETTINGS


def test_no_days_are_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is none."""
    monkeypatch.setenv("TRUNKLINE_ARCHIVE_DAYS", "0")
    assert run("--once").exit_code == Exit.SETTINGS


async def test_a_writer_that_starts_before_redis_waits_for_it(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for one thing only is told at once."""
    monkeypatch.setattr(commands, "REDIS_AGAIN_S", 0.0)
    store, tries = make_store(valkey_url, name="test"), 0
    make_keys = live.make_keys

    async def late(of: Store) -> Keys:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RedisConnectionError("not yet")
        return await make_keys(of)

    monkeypatch.setattr(live, "make_keys", late)
    assert (await commands._keys_of(store, waits=True)).lanes == 1
    assert tries == 3
    tries = 0
    with pytest.raises(RedisConnectionError):
        await commands._keys_of(store, waits=False)
    await store.aclose()
