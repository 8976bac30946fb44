"""Rows about Redis in each of its shapes."""

from __future__ import annotations

from itertools import pairwise

from proofs.prove.chaos.faults import Nothing, Profile, RedisFault, ServerFault, ServersAre
from proofs.prove.chaos.outer_rows import BACK_MS, OUTAGE_S
from proofs.prove.chaos.setting.stage import Setting
from proofs.prove.chaos.shapes.rows import CALLS, ELECTION_MS, FEWER, redis_rows
from proofs.prove.chaos.shapes.sentinel import DOWN_AFTER_MS

ROWS = {row.name: row for row in redis_rows()}

OF_SO_MANY = frozenset(
    {
        ServersAre.KILLED,
        ServersAre.HANDED_OVER,
        ServersAre.MOVED,
        ServersAre.FULL,
        ServersAre.WITHOUT_DISK,
        ServersAre.FROZEN,
        ServersAre.RESTARTED,
        ServersAre.RESTARTED_WHOLE,
        ServersAre.RESTARTED_OLDER,
    }
)


def test_all_that_a_server_can_be_is_tried_in_every_shape_that_there_is() -> None:
    """And names are files: none comes twice."""
    assert len(ROWS) == len(redis_rows())
    faults = [row.fault for row in ROWS.values() if isinstance(row.fault, ServerFault)]
    assert {fault.kind for fault in faults} == set(ServersAre)
    assert {row.profile for row in ROWS.values()} == set(Profile)
    for kind in (ServersAre.FULL, ServersAre.WITHOUT_DISK, ServersAre.WITHOUT_REPLICAS):
        found = {row.profile for row in ROWS.values() if row.fault == ServerFault(kind, OUTAGE_S)}
        assert found == {Profile.VALKEY, Profile.REDIS7, Profile.SENTINEL, Profile.CLUSTER}


def test_fifty_calls_are_made_where_it_is_promised_of_so_many() -> None:
    """Elsewhere fewer: the machine has two cores."""
    for row in ROWS.values():
        is_promised = isinstance(row.fault, ServerFault) and row.fault.kind in OF_SO_MANY
        assert row.calls == (CALLS if is_promised else FEWER), row.name


def test_what_is_usual_comes_first_and_servers_are_started_once() -> None:
    """Only one setting may have a row without a fault: the others wait for it."""
    rows = redis_rows()
    assert isinstance(rows[0].fault, Nothing)
    assert sum(isinstance(row.fault, Nothing) for row in rows) == 1
    settings = [Setting.of(row) for row in rows]
    changes = sum(one != other for one, other in pairwise(settings))
    assert changes == len(set(settings)) - 1


def test_a_bound_is_the_sum_of_its_parts() -> None:
    """The servers' own figures, what was measured beyond them, and the way back."""
    assert ROWS["sentinel-killed"].bounds.silence_ms == DOWN_AFTER_MS + ELECTION_MS + BACK_MS
    assert ROWS["sentinel-frozen"].bounds.silence_ms == ROWS["sentinel-killed"].bounds.silence_ms
    assert ROWS["valkey-frozen"].bounds.silence_ms == 1_000 * OUTAGE_S + BACK_MS
    for row in ROWS.values():
        assert row.bounds.repeated_ms == 0, "nothing is heard twice, whatever Redis does"
        assert not row.bounds.apologises, row.name
        assert not row.bounds.ends_by_fault, row.name


def test_where_redis_still_knows_who_has_a_call_nobody_takes_it() -> None:
    """It is forgotten by a restart without all that was there, and by FLUSHALL."""
    free = {name for name, row in ROWS.items() if row.bounds.owners is None} - {"valkey-healthy"}
    assert free == {
        "valkey-restarted-empty",
        "valkey-restarted-older",
        "redis7-emptied",
        "sentinel-restarted-empty",
        "cluster-restarted-empty",
    }
    assert {row.bounds.owners for row in ROWS.values()} == {None, 1}


def test_a_row_says_which_redis_it_is_about() -> None:
    """And how long what lasts, lasts."""
    text = ROWS["cluster-full"].text
    assert text == "Cluster: three masters, three replicas: the server is full (OOM) for 3 s"
    assert ROWS["redis7-busy"].text.startswith("one Redis 7: it is busy with somebody's script")
    assert not ROWS["sentinel-killed"].text.endswith(" s")


def test_the_faults_of_redis_7_are_those_that_need_nobody_else() -> None:
    """The others would look for the embedded server."""
    kinds = {row.fault.kind.name for row in ROWS.values() if isinstance(row.fault, RedisFault)}
    assert kinds == {"BUSY", "FORGETFUL", "EMPTIED"}
