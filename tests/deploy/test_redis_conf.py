"""deploy/redis/*.conf: both profiles start on both servers and do what their names say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from console.doctor import redis as doctor_redis
from console.doctor.findings import Level
from console.doctor.servers import redis_facts
from shared.redis_url import read
from shared.store.client import make_store
from tests.support.servers import OWN_TIMEOUT_S, free_port, redis7_binary, valkey_binary, wait_until_up
from tests.support.waiting import wait_until

CONF = Path(__file__).parents[2] / "deploy" / "redis"
ONE = read("redis://host")
AUDIO_NOT_ON_DISK, DURABLE = "audio-not-on-disk.conf", "durable.conf"


@pytest.fixture(params=["valkey", "redis7"])
def binary(request: pytest.FixtureRequest) -> str:
    """Both servers."""
    return valkey_binary() if request.param == "valkey" else redis7_binary()


@contextmanager
def started(
    binary: str, conf: str, folder: Path, *more: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server with one of the files, as its first lines say: its URL, its process."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    where = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
    process = subprocess.Popen([binary, str(CONF / conf), *where, *more], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until_up(url, process)
        yield url, process
    finally:
        process.terminate()
        process.wait(10)


def names_in(folder: Path) -> list[str]:
    """All files, however deep."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def persistence(url: str) -> doctor_redis.Finding:
    """What the doctor says of it."""
    store = make_store(url, name="test", timeout_s=OWN_TIMEOUT_S)
    try:
        found = doctor_redis.judge(await redis_facts(store, ONE), lanes=1)
    finally:
        await store.aclose()
    return next(each for each in found if each.what == "Redis persistence")


async def test_nothing_is_ever_on_the_disk(tmp_path: Path, binary: str) -> None:
    """Of a server, of its replica, at the end of both."""
    with started(binary, AUDIO_NOT_ON_DISK, tmp_path / "one") as (url, _):
        port = url.rpartition(":")[2].partition("/")[0]
        follow = ("--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay", "0")
        with (
            redis.Redis.from_url(url) as client,
            started(binary, AUDIO_NOT_ON_DISK, tmp_path / "two", *follow) as (replica_url, _),
            redis.Redis.from_url(replica_url) as replica,
        ):
            client.set("key", b"what was said" * 1_000)
            await wait_until(lambda: replica.get("key") is not None, "the replica has it", timeout_s=20)
            found = await persistence(url)
            assert (found.level, "nothing of a call is on its disk" in found.found) == (Level.OK, True)
    assert names_in(tmp_path) == []


async def test_what_was_written_is_there_after_a_crash(tmp_path: Path, binary: str) -> None:
    """And the doctor says what else is in that file."""
    with started(binary, DURABLE, tmp_path) as (url, process), redis.Redis.from_url(url) as client:
        client.set("key", "value")
        found = await persistence(url)
        assert found.level is Level.OK
        assert "what callers say is on its disk until it is rewritten" in found.found
        process.kill()
        process.wait(10)
    with started(binary, DURABLE, tmp_path) as (url, _), redis.Redis.from_url(url) as client:
        assert client.get("key") == b"value"


@pytest.mark.parametrize("conf", [AUDIO_NOT_ON_DISK, DURABLE])
def test_each_file_names_the_other_and_the_page(conf: str) -> None:
    """Whoever reads one knows that there is a choice."""
    text = (CONF / conf).read_text("utf-8")
    assert f"The other choice: {DURABLE if conf == AUDIO_NOT_ON_DISK else AUDIO_NOT_ON_DISK}" in text
    assert "docs/operating.md, What is at rest" in text
