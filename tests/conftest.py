"""Fixtures for all tests: real servers, one a session, emptied before each test that asks for one; a Cluster
is one a module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import redis as sync_redis
import structlog
from fakeredis import FakeAsyncRedis
from hypothesis import HealthCheck, settings

from proofs.prove.chaos.shapes.cluster import Cluster
from shared.contract import keys as key_names
from shared.process.host import be_let_in_first
from shared.store.client import Store, make_store
from tests.support import shapes
from tests.support.servers import OWN_TIMEOUT_S, redis7_binary, server, valkey_binary

# How fast examples are made says something about the machine only: side by side with whole stacks it is slow.
settings.register_profile("trunkline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trunkline")

# What structlog does unasked shows the variables of each frame of a traceback: seconds of work in which the
# loop of the process under test stands still.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the machine for itself: `make test` runs it after all else."""
    for item in items:
        if item.nodeid.startswith(("tests/e2e/", "tests/deploy/")):
            item.add_marker("stack")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Beside whole stacks the simulators of a test stand for other machines."""
    if item.get_closest_marker("stack"):
        be_let_in_first(realtime=True)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey server for the session; use `valkey_url` in tests."""
    with server(valkey_binary(), tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def redis7_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Redis 7 for the session; use `redis_url` in tests."""
    with server(redis7_binary(), tmp_path_factory.mktemp("redis7")) as url:
        yield url


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Cluster for the tests of a module; what one of them breaks, the next one finds broken."""
    with shapes.cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def _emptied(url: str) -> str:
    with sync_redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """An empty Valkey."""
    return _emptied(valkey_server)


@pytest.fixture(params=["valkey", "redis7"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty server, once Valkey and once Redis 7: for what must hold on both."""
    url: str = request.getfixturevalue(f"{request.param}_server")
    return _emptied(url)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A client of `redis_url`."""
    client = make_store(redis_url, name="test", timeout_s=OWN_TIMEOUT_S)
    yield client
    await client.aclose()


@pytest.fixture(params=["fakeredis", "valkey", "redis7"])
async def any_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A client of an empty store, once fakeredis, once Valkey, once Redis 7: for commands and scripts."""
    if request.param == "fakeredis":
        client = Store(FakeAsyncRedis())
    else:
        client = make_store(
            _emptied(request.getfixturevalue(f"{request.param}_server")), name="test", timeout_s=OWN_TIMEOUT_S
        )
    yield client
    await client.aclose()


async def without_ttl(store: Store) -> list[str]:
    """Keys that would live for ever and may not, seen through a client."""
    found = [key.decode() async for key in store.scan_iter()]
    return sorted([key for key in found if not key_names.is_permanent(key) and await store.ttl(key) == -1])


def keys_without_ttl(url: str) -> list[str]:
    """Keys that would live for ever and may not: call it when the calls of a test are over."""
    with sync_redis.Redis.from_url(url, decode_responses=True) as client:
        return sorted(
            key for key in client.scan_iter() if client.ttl(key) == -1 and not key_names.is_permanent(key)
        )
