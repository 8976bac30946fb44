"""The raw connection on real servers: order of replies, losses, refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from shared.contract.lua import scripts
from shared.resp import pack
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, LinkLost
from shared.store.reach.link import Replies, ReplyError
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import wait_until
from tests.support.ways import way_to


async def test_replies_come_to_those_who_announced_them(redis_url: str) -> None:
    """In the order of what was sent, however the bytes are split on the way."""
    link, got = await way_to(redis_url).open(name="t"), list[Replies]()
    link.expect(2, got.append)
    link.expect(1, got.append)
    link.send(pack([b"SET", b"k", b"x" * 300_000]) + pack([b"GET", b"k"]))
    link.send(pack([b"NOPE"]))
    await wait_until(lambda: len(got) == 2, "both writes are answered")
    assert got[0] == [b"OK", b"x" * 300_000]
    assert isinstance(got[1][0], ReplyError)
    link.close()


async def test_the_scripts_are_loaded_when_it_opens(store: Store, redis_url: str) -> None:
    """A server that has forgotten them, or never had them, knows them then."""
    await store.redis.script_flush()
    link = await way_to(redis_url).open(name="t")
    for script in scripts.ALL:
        assert await link.ask(pack([b"SCRIPT", b"EXISTS", script.sha.encode()]), timeout_s=1) == [1]
    refused = await link.ask(pack([b"EVALSHA", scripts.TRIM.sha.encode(), b"1", b"key"]), timeout_s=1)
    assert not str(refused).startswith("NOSCRIPT")
    link.close()


async def test_a_loss_reaches_all_who_wait(store: Store, redis_url: str) -> None:
    """Those who ask get LinkLost, `on_lost` is called once, and later writes do nothing."""
    lost = []
    link = await way_to(redis_url).open(name="t", on_lost=lost.append)
    waiting = [asyncio.create_task(link.ask(pack([b"BLPOP", b"none", b"0"]), timeout_s=10)) for _ in range(2)]
    await asyncio.sleep(0)
    await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in found] == [LinkLost, LinkLost]
    link.close()
    link.send(pack([b"PING"]))
    assert lost == [link]
    with pytest.raises(LinkLost):
        await link.ask(pack([b"PING"]), timeout_s=1)


async def test_a_silent_server_costs_the_connection(redis_url: str) -> None:
    """After the time-out nobody could tell whose the next reply is."""
    link = await way_to(redis_url).open(name="t")
    with pytest.raises(LinkLost):
        await link.ask(pack([b"BLPOP", b"none", b"0"]), timeout_s=0.05)
    assert link.lost


async def test_a_reply_that_nobody_asked_for_costs_the_connection(redis_url: str) -> None:
    """The order is lost with it."""
    link = await way_to(redis_url).open(name="t")
    link.send(pack([b"PING"]))
    await wait_until(lambda: link.lost, "the link is dropped")


async def test_nobody_listens() -> None:
    """One of STORE_ERRORS, at once."""
    with pytest.raises(STORE_ERRORS):
        await way_to(f"redis://127.0.0.1:{free_port()}/0").open(name="t")


async def test_a_password_and_a_database_are_used(tmp_path: Path) -> None:
    """The wrong one is refused, in words; the right one reaches the database that the URL names."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        valkey_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "pw",
        "--dir", str(tmp_path), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:

        async def is_refused() -> bool:
            try:
                await way_to(f"redis://:wrong@127.0.0.1:{port}/3").open(name="t")
            except OSError:
                return False
            except RedisError as error:
                return "Redis refused AUTH" in str(error)
            return False

        await wait_until(is_refused, "the wrong password is refused")
        link = await way_to(f"redis://:pw@127.0.0.1:{port}/3").open(name="t")
        assert b" db=3 " in await link.ask(pack([b"CLIENT", b"INFO"]), timeout_s=1)
        assert b" name=t " in await link.ask(pack([b"CLIENT", b"INFO"]), timeout_s=1)
        link.close()
    finally:
        process.terminate()
        await process.wait()


async def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    """As `unix://` in REDIS_URL names it."""
    path = tmp_path / "s"
    with server(valkey_binary(), tmp_path, "--unixsocket", str(path)):
        link = await way_to(f"unix://{path}").open(name="t")
        assert await link.ask(pack([b"PING"]), timeout_s=1) == b"PONG"
        link.close()
