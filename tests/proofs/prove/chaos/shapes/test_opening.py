"""Which servers a row wants."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.crc import key_slot

from proofs.prove.chaos.faults import Profile
from proofs.prove.chaos.setting.far_host import FarHost
from proofs.prove.chaos.shapes import opening
from proofs.prove.chaos.shapes.cluster import MASTERS, Cluster
from proofs.prove.chaos.shapes.opening import LANES, OVER_TWO_HOSTS, Clock, lanes_of, made, open_shape
from proofs.prove.chaos.shapes.programs import Program
from proofs.prove.chaos.shapes.sentinel import Watched
from proofs.prove.chaos.shapes.shape import One
from proofs.prove.chaos.shapes.slots import dealt_out
from shared.contract.keys import Keys

HOST = FarHost("far1", "10.0.0.1", "10.0.0.2")


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed everywhere."""
    program = Program(name="Redis 7", binary="/usr/bin/redis-server", has_tls=True)
    monkeypatch.setattr(opening, "redis7", lambda: program)
    monkeypatch.setattr(opening, "clock_library", lambda: Path("/lib/clock.so"))


@pytest.mark.parametrize("profile", Profile)
def test_each_profile_is_a_shape(profile: Profile, tmp_path: Path) -> None:
    """All servers are let in as soon as the embedded one is."""
    opened = made(profile, tmp_path, HOST)
    shape = opened.shape
    kinds = {Profile.SENTINEL: Watched, Profile.PARTED: Watched, Profile.CLUSTER: Cluster}
    assert isinstance(shape, kinds.get(profile, One))
    assert (opened.host is HOST) == (profile in OVER_TWO_HOSTS)
    assert (opened.clock is not None) == (profile is Profile.CLOCK)
    if isinstance(shape, One):
        assert shape.node.is_let_in_first


def test_where_a_master_can_be_cut_off_all_others_are_on_another_host(tmp_path: Path) -> None:
    """But for one Sentinel, which is outvoted; who is near reaches the master."""
    shape = made(Profile.PARTED, tmp_path, HOST).shape
    assert isinstance(shape, Watched)
    assert [node.site.host for node in shape.servers.nodes] == [HOST.near_ip, HOST.far_ip, HOST.far_ip]
    assert [node.site.host for node in shape.sentinels.nodes] == [HOST.near_ip, HOST.far_ip, HOST.far_ip]
    assert shape.servers.nodes[1].site.before == ("ip", "netns", "exec", "far1")


def test_a_clock_leaps_by_a_file(tmp_path: Path) -> None:
    """Time-outs of the server are not touched."""
    clock = Clock(tmp_path / "clock", Path("/lib/clock.so"))
    clock.leap(60)
    assert clock.file.read_text("ascii") == "+60\n"
    clock.leap(-240)
    assert clock.file.read_text("ascii") == "-240\n"
    assert clock.environment["FAKETIME_DONT_FAKE_MONOTONIC"] == "1"


def test_on_a_cluster_each_master_has_some_lanes() -> None:
    """A fault of one of them is a fault of some calls."""
    assert lanes_of(None) == lanes_of(Profile.SENTINEL) == 1
    keys = Keys(lanes_of(Profile.CLUSTER))
    slots = [key_slot(keys.calls(lane).encode()) for lane in range(LANES)]
    assert len(set(slots)) == LANES
    for each in dealt_out(MASTERS):
        assert sum(slot in each for slot in slots) >= 3


async def test_servers_are_there_inside_the_block_only(tmp_path: Path) -> None:
    """Started in a thread, ended with it."""
    async with open_shape(Profile.VALKEY, tmp_path) as opened:
        shape = opened.shape
        assert isinstance(shape, One)
        assert shape.node.ask("PING") == "PONG"
    assert not shape.node.is_running
