"""What the command line and the web console read and do on a real Cluster, as the operator's user: nothing of
it is of one server alone, and nothing names keys of two slots in one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console import keys_table
from console.archive import forget
from console.archive.sql import open_shelf
from console.archive.writer import Writer
from console.calls import audit, ended, ending, live, watching
from console.calls.ended import Wanted
from console.calls.live import LiveCall
from console.doctor import servers
from console.doctor.findings import Level
from console.doctor.redis import judge
from console.options import calls as completed
from console.recorder.files import Folder
from console.web.reading import CallReader, Looks
from proofs.prove.chaos.shapes.cluster import Cluster
from shared.clock import wall_ms
from shared.contract.keys import CONFIG, Keys
from shared.contract.streams.audit import Deed
from shared.logs.log import get_log
from shared.redis_url import read
from shared.store.access import permissions
from shared.store.access.grants import OPERATOR
from shared.store.client import Store, make_store
from tests.support import acl, shapes
from tests.support.redis_samples import BRAIN, EGRESS, INGRESS, make_call, make_worker
from tests.support.servers import OWN_TIMEOUT_S

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("on_a_cluster")]

LANES = 16
KEYS = Keys(LANES, spread=True)
SIDS = [f"CA{number:032x}" for number in range(12)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with shapes.cluster(tmp_path_factory.mktemp("cluster")) as found:
        acl.install_at(found.fleet.nodes, OPERATOR)
        yield found


def masters(cluster: Cluster) -> list[int]:
    """Their ports."""
    keys = [KEYS.calls(lane) for lane in range(LANES)]
    return list(dict.fromkeys(node.port for node in cluster.masters_of(keys)))


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[Store]:
    """Empty, but for calls in several lanes, their workers, and what all agree on."""
    for port in await asyncio.to_thread(masters, cluster):
        await asyncio.to_thread(cluster.fleet.at(port).ask, "FLUSHALL")
    store = make_store(cluster.url, name="test", timeout_s=OWN_TIMEOUT_S)
    await store.hset(CONFIG, "lanes", LANES)
    for sid in SIDS:
        await make_call(store, sid, wall_ms() - 1_000, KEYS)
    for worker in (INGRESS, BRAIN, EGRESS):
        await make_worker(store, worker)
    yield store
    await store.aclose()


@pytest.fixture
async def store(cluster: Cluster, admin: Store) -> AsyncIterator[Store]:
    """The operator's."""
    found = make_store(acl.url_of(cluster.url, OPERATOR), name="test", timeout_s=OWN_TIMEOUT_S)
    yield found
    await found.aclose()


async def test_calls_of_all_lanes_are_seen(store: Store) -> None:
    """By a look, by the page's look, by one call's reader and by one's watcher."""
    keys = await live.make_keys(store)
    assert keys == KEYS
    assert len({keys.lane(sid) for sid in SIDS}) > 3
    look = await live.look_closely(store, keys)
    assert {call.call_sid for call in look.calls if isinstance(call, LiveCall)} == set(SIDS)
    assert {row.name for row in look.workers} == {INGRESS, BRAIN, EGRESS}
    assert (await live.find_call(store, keys, SIDS[3])).call_sid == SIDS[3]
    seen = await Looks(store, keys, with_words=True).now()
    assert (seen.trouble, len(seen.look.calls)) == ("", len(SIDS))
    told = await CallReader(store, keys, None, SIDS[5]).read()
    assert told is not None
    assert [entry.stream for entry in told.entries] == ["journal"]
    async for entry in watching.entries(store, keys, SIDS[5]):
        assert entry.fields["kind"] == "attached"
        break


async def test_calls_are_told_and_ended(store: Store) -> None:
    """By their brain's doorbell and control stream; by the script where nobody is asked; all is noted."""
    keys, sid = await live.make_keys(store), SIDS[0]
    assert await live.say(store, keys, sid, "Hello.")
    assert await live.ask_to_hang_up(store, keys, sid)
    assert await live.drain(store, keys, BRAIN)
    assert not await live.drain(store, keys, "brain-9@h#9")
    call = await live.find_call(store, keys, sid)
    became = await ending.hang_up(store, keys, call, ending.Means(), force=True, within_s=1)
    assert became.done, became.words
    await audit.note(store, Deed.HANG_UP, by="test", of=sid)
    assert [entry.of for entry in await audit.newest(store)] == [sid]
    found = await ended.read_ended(store, keys, Wanted())
    assert [each.call_sid for each in found.calls] == [sid]


async def test_what_has_ended_is_kept_and_forgotten(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every lane."""
    monkeypatch.setattr("console.archive.writer.SETTLE_MS", -1_000)
    keys, folder = await live.make_keys(store), Folder(tmp_path / "recordings")
    for sid in SIDS[:6]:
        call = await live.find_call(store, keys, sid)
        assert (await ending.hang_up(store, keys, call, ending.Means(), force=True, within_s=1)).done
    shelf = open_shelf(f"sqlite:///{tmp_path}/archive.sqlite")
    try:
        writer = Writer(store=store, keys=keys, shelf=shelf, log=get_log(), keep_days=1.0, with_text=True)
        await writer.round()
        assert shelf.known(SIDS) == set(SIDS[:6])
        found = await forget.forget_calls(store, keys, shelf, folder, SIDS[5:7])
        assert (found.kept, found.in_redis, found.live) == (1, 1, (SIDS[6],))
        assert not await store.exists(keys.card(SIDS[5]), keys.journal(SIDS[5]))
        caller = await forget.forget_caller(store, keys, shelf, folder, (), "…11")
        assert (caller.in_redis, set(caller.live)) == (5, set(SIDS[6:]))
    finally:
        shelf.close()


async def test_keys_of_all_servers_are_counted(admin: Store, store: Store) -> None:
    """Those that only a Cluster has among them."""
    for lane in range(LANES):
        await admin.xadd(KEYS.out(INGRESS, lane), {"f": "v"})
        await admin.xadd(KEYS.back(EGRESS, lane), {"f": "v"})
    sizes = {size.kind.pattern: size for size in await keys_table.measure(store)}
    assert sizes["tl:{*}:call:CA*:journal"].keys == len(SIDS)
    for pattern in ("tl:{*}:out:*", "tl:{*}:back:*"):
        assert (sizes[pattern].keys, sizes[pattern].elements) == (LANES, LANES)


async def test_the_doctor_asks_every_master(cluster: Cluster, store: Store) -> None:
    """Each by itself: what one says, nobody else does; one whose user is an older one is told of."""
    place = read(cluster.url)
    facts = await servers.redis_facts(store, place)
    at = {each.at for each in (facts, *facts.others)}
    ports = await asyncio.to_thread(masters, cluster)
    assert at == {f"127.0.0.1:{port}" for port in ports}
    assert (facts.shape, bool(facts.missing)) == ("", False)
    found = judge(facts, LANES)
    assert [each for each in found if each.level is Level.FAIL and each.what != "Redis latency"] == []

    node = cluster.fleet.at(ports[-1])
    user = acl.user_of(OPERATOR)
    await asyncio.to_thread(node.ask, "ACL", "SETUSER", user, "clearselectors")
    await asyncio.to_thread(node.ask, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    await asyncio.to_thread(node.ask, "CONFIG", "SET", "cluster-require-full-coverage", "yes")
    try:
        facts = await servers.redis_facts(store, place)
    finally:
        await asyncio.to_thread(acl.install_at, [node], OPERATOR)
        await asyncio.to_thread(node.ask, "CONFIG", "SET", "maxmemory-policy", "noeviction")
        await asyncio.to_thread(node.ask, "CONFIG", "SET", "cluster-require-full-coverage", "no")
    failed = {each.what for each in judge(facts, LANES) if each.level is Level.FAIL} - {"Redis latency"}
    assert failed == {
        "Redis permissions", "Redis shape", f"Redis memory policy, 127.0.0.1:{node.port}",
    }  # fmt: skip
    assert not await permissions.missing(store, OPERATOR)


def test_tab_completes_calls(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second, from a shell."""

    async def prepared() -> None:
        store = make_store(cluster.url, name="test", timeout_s=OWN_TIMEOUT_S)
        await store.hset(CONFIG, "lanes", LANES)
        await make_call(store, SIDS[0], wall_ms(), KEYS)
        await store.aclose()

    asyncio.run(prepared())
    monkeypatch.setenv("REDIS_URL", acl.url_of(cluster.url, OPERATOR))
    assert SIDS[0] in [sid for sid, _ in completed("CA0")]
