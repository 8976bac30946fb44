"""The users of deploy/redis/acl: what each needs passes, all else is refused; on Valkey and on Redis 7."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis as sync_redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from console.keys_table import KINDS, KeyKind
from console.stack.plan import Ports, StackOptions, supervisord_file
from shared.clock import wall_ms
from shared.contract import claiming, steps, writes
from shared.contract.admission import count
from shared.contract.admission.count import CallerBounds, OnTheLine
from shared.contract.card import CutRaised
from shared.contract.keys import (
    ADMITTED,
    CALL_PARTS,
    CONFIG,
    MODEL,
    SPEECH,
    WORKERS,
    Keys,
    caller_day,
)
from shared.contract.lua.scripts import ScriptCall
from shared.contract.steps import Deadline, Held, Leg, NewStream, Restored
from shared.contract.streams import hooks
from shared.contract.streams.calls import Ringing
from shared.contract.streams.control import Say
from shared.contract.streams.history import ItemEntry
from shared.contract.streams.hooks import Hook
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.worker import ROLES
from shared.contract.writes import CallerMove, Speaker
from shared.ownership import steps as awaited
from shared.ownership import tidying
from shared.store.access.grants import GRANTS, OPERATOR, RECORDER, SERVED
from shared.store.access.permissions import WORDS
from shared.store.client import Store, make_store
from simulators.twilio import Dtmf, HangUp, InterruptAfter, Pause, Speak, WaitForSilence, WaitForSpeech
from simulators.twilio import WaitUntil as Until
from tests.e2e.conftest import QUICK, Bridge, clip, own_stack, plan
from tests.e2e.shell import Shell
from tests.support import acl
from tests.support.servers import OWN_TIMEOUT_S, needed, redis7_binary, server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("deploy")]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")

KEYS, LANE = Keys(1), 0
CALL, STREAM = "CA" + "0" * 31 + "1", "MZ" + "0" * 31 + "1"
INGRESS, BRAIN, EGRESS = "ingress-0@h#a", "brain-0@h#a", "egress-0@h#a"
WORKER = {"brain": BRAIN, "egress": EGRESS}
EVERYBODY = frozenset({*ROLES, OPERATOR})
HOOK = Hook(event="call.started", call_sid=CALL, event_id="e", at_ms=1, attempt=0, due_ms=1)


# The files.


@pytest.mark.parametrize("binary", [valkey_binary, redis7_binary])
def test_a_server_takes_the_files_as_they_are(binary: Callable[[], str], tmp_path: Path) -> None:
    """All of them one after another are its aclfile; nobody logs in before he has a password."""
    users = tmp_path / "users.acl"
    users.write_text("".join(acl.file_of(name).read_text("utf-8") for name in GRANTS), "utf-8")
    with server(binary(), tmp_path, "--aclfile", str(users)) as url:
        with acl.Session(url) as admin:
            assert set(admin.ask("ACL", "USERS")) == {"default", *map(acl.user_of, GRANTS)}
        for name in GRANTS:
            with pytest.raises(AuthenticationError):
                acl.Session(acl.url_of(url, name))


def test_an_older_version_leaves_nothing(redis_url: str) -> None:
    """What a user was allowed by another file is gone; its passwords stay."""
    acl.install(redis_url, "brain")
    with acl.Session(redis_url) as admin:
        before = rules_of(admin.ask("ACL", "GETUSER", acl.user_of("brain")))
        admin.ask("ACL", "SETUSER", acl.user_of("brain"), "+flushall", "~x:*", "(+keys ~y:*)")
        admin.ask("ACL", "SETUSER", *acl.file_of("brain").read_text("utf-8").split()[1:])
        assert rules_of(admin.ask("ACL", "GETUSER", acl.user_of("brain"))) == before


def rules_of(user: Any) -> Any:
    """What ACL GETUSER says, whatever order the server gives commands in."""
    match user:
        case list():
            return [rules_of(each) for each in user]
        case str() if " " in user:
            return sorted(user.split())
        case _:
            return user


def blocks(part: str) -> list[str]:
    """The commands of a part of the page."""
    section = PAGE.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page(redis_url: str) -> None:
    """The users are made; each password is taken: both while it is rotated, then the new one
    alone."""
    needed("redis-cli")
    port = redis_url.rpartition(":")[2].split("/")[0]

    def typed(block: str) -> None:
        command = block.replace("redis-cli", f"redis-cli -p {port}")
        secrets = {"PASSWORD": "first", "NEW": "second", "OLD": "first", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command], cwd=ROOT, env=secrets, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        assert {"OK"} == set(done.stdout.split()), done.stdout

    def taken(password: str) -> bool:
        url = acl.url_of(redis_url, "brain").replace(acl.PASSWORD, password)
        try:
            with acl.Session(url) as session:
                return bool(session.ask("PING") == "PONG")
        except AuthenticationError:
            return False

    making, login, second, only = blocks("A user a role")
    with sync_redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "DELUSER", *map(acl.user_of, GRANTS))
    typed(making)
    assert not taken("first")
    typed(login)
    assert taken("first")
    typed(second)
    assert (taken("first"), taken("second")) == (True, True)
    typed(only)
    assert (taken("first"), taken("second")) == (False, True)
    with acl.Session(redis_url) as admin:
        assert set(admin.ask("ACL", "USERS")) >= set(map(acl.user_of, GRANTS))


# Commands.


def is_refused(answer: str) -> bool:
    """Whether a dry run says that the command itself may not be run, whatever its keys."""
    return "to run the" in answer


@pytest.mark.parametrize("name", GRANTS)
def test_exactly_the_commands_of_the_table_may_be_run(redis_url: str, name: str) -> None:
    """Of all that this server has."""
    acl.install(redis_url, name)
    with acl.Session(redis_url) as admin:
        known = acl.commands_of(admin)
        may = {
            command
            for command, words in known.items()
            if not is_refused(admin.ask("ACL", "DRYRUN", acl.user_of(name), *words))
        }
    granted = {command for part in GRANTS[name].parts for command in part.commands}
    assert len(known) > 200
    assert granted <= set(known)
    assert may == {each for each in known if each in granted or each.partition("|")[0] in granted}


DANGEROUS = (
    "FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "KEYS *", "MONITOR", "EVAL return 0", "SCRIPT FLUSH",
    "FUNCTION LIST", "ACL LIST", "ACL SETUSER x", "CLIENT LIST", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1",
    "SAVE", "BGSAVE", "BGREWRITEAOF", "REPLICAOF no one", "RENAME a b", "COPY a b", "DUMP a", "SORT a",
    "DBSIZE", "SWAPDB 0 1", "SLOWLOG GET", "PUBLISH a b", "SUBSCRIBE a", "CLUSTER RESET", "LATENCY RESET",
    "RANDOMKEY",
)  # fmt: skip
"""`SLOWLOG`: it shows arguments, callers' numbers among them."""


@pytest.mark.parametrize("name", GRANTS)
def test_what_is_dangerous_is_refused(redis_url: str, name: str) -> None:
    """Tried, not only asked about."""
    acl.install(redis_url, name)
    with acl.Session(acl.url_of(redis_url, name)) as session:
        for words in DANGEROUS:
            with pytest.raises(NoPermissionError):
                session.ask(*words.split())


# Keys.


def keys_of(text: str) -> str:
    """A sample of a key: `{caller}` is a part of the call, `{brain}` the name of a worker."""
    parts = {part: KEYS.part(CALL, part) for part in CALL_PARTS}
    ways = {"out": KEYS.out(INGRESS), "back": KEYS.back(EGRESS)}
    spread = Keys(4, spread=True)
    ways |= {"out3": spread.out(INGRESS, 3), "back3": spread.back(EGRESS, 3)}
    workers = {role: KEYS.worker(f"{role}-0@h#a") for role in (*ROLES, "watchdog")}
    doors = {f"wake_{role}": KEYS.wake(LANE, f"{role}-0@h#a") for role in ROLES}
    others = {
        "card": KEYS.card(CALL), "calls": KEYS.calls(LANE), "ringing": KEYS.ringing(LANE),
        "janitor": KEYS.janitor(LANE), "ended": KEYS.ended(LANE), "day": caller_day("0" * 32), "model": MODEL,
        "config": CONFIG, "speech": SPEECH, "workers": WORKERS, "admitted": ADMITTED,
        "nowhere3": spread.nowhere(3), "tapes": KEYS.tapes(LANE),
    }  # fmt: skip
    return text.format(**parts, **ways, **workers, **doors, **others)


KEY_CASES: tuple[tuple[str, frozenset[str]], ...] = (
    # Voices, words, numbers.
    ("XRANGE {caller} - +", frozenset({"brain"})),
    ("XRANGE {turn} - +", frozenset({"brain"})),
    ("XRANGE {reply} - +", frozenset({"brain", "egress"})),
    ("XRANGE {tape} - +", frozenset({RECORDER})),
    ("XREAD STREAMS {tape} 0", frozenset({OPERATOR})),
    ("XADD {tape} * f v", EVERYBODY),
    ("XREADGROUP GROUP g c STREAMS {tapes} >", frozenset({RECORDER})),
    ("XADD {tapes} * f v", frozenset({"ingress"})),
    ("XINFO CONSUMERS {tapes} g", frozenset({OPERATOR})),
    ("XLEN {caller}", frozenset({"egress", OPERATOR})),
    ("XRANGE {history} - +", frozenset({"brain", OPERATOR})),
    ("XRANGE {journal} - +", frozenset({OPERATOR})),
    ("XRANGE {control} - +", EVERYBODY),
    ("HGETALL {number}", frozenset({"brain"})),
    ("HGET {number} caller", frozenset({"brain"})),
    ("EXISTS {number}", EVERYBODY),
    ("HGETALL {day}", frozenset({"ingress"})),
    ("HLEN {day}", frozenset({OPERATOR})),
    ("HGETALL {card}", EVERYBODY),
    # Who says what to whom.
    ("HSET {speech} f v", frozenset({"brain"})),
    ("HGET {speech} f", frozenset({"ingress", OPERATOR})),
    ("HSET {model} f v", frozenset({"brain"})),
    ("HSETNX {config} f v", frozenset(ROLES)),
    ("HGET {config} f", EVERYBODY | {RECORDER}),
    ("HSET {brain} f v", frozenset({"brain"})),
    ("HSET {egress} f v", frozenset({"egress"})),
    ("HSET {watchdog} f v", frozenset({OPERATOR})),
    ("HGETALL {brain}", EVERYBODY),
    ("SREM {workers} m", EVERYBODY),
    ("SADD {workers} m", frozenset(ROLES)),
    ("ZREM {admitted} m", EVERYBODY),
    ("HSET {day} f v", frozenset({"ingress"})),
    ("ZRANGE {admitted} 0 -1", frozenset({"ingress", OPERATOR})),
    ("SET {janitor} v", frozenset({"ingress"})),
    ("XREADGROUP GROUP g c STREAMS {ringing} >", frozenset({"brain"})),
    ("XREADGROUP GROUP g c STREAMS {calls} >", frozenset(SERVED)),
    ("XADD {wake_ingress} * f v", frozenset({"ingress", OPERATOR})),
    ("XADD {wake_brain} * f v", EVERYBODY),
    ("XREAD STREAMS {wake_brain} 0", frozenset({"brain", OPERATOR})),
    ("XREAD STREAMS {out} 0", frozenset({"ingress"})),
    ("XREAD STREAMS {out3} 0", frozenset({"ingress"})),
    ("XADD {out} * f v", frozenset(ROLES)),
    ("XADD {out3} * f v", frozenset(ROLES)),
    ("XREAD STREAMS {back} 0", frozenset({"egress"})),
    ("XADD {back} * f v", frozenset({"ingress", "egress"})),
    ("XADD {back3} * f v", frozenset({"ingress", "egress"})),
    ("XADD {nowhere3} NOMKSTREAM * f v", frozenset(ROLES)),
    ("XADD tl:nowhere NOMKSTREAM * f v", EVERYBODY),
    ("ZREM {ended} m", EVERYBODY),
    ("XTRIM {control} MAXLEN 0", frozenset(ROLES)),
    # Nobody's.
    ("HGET tl:unknown f", frozenset()),
    ("HSET {card}:unknown f v", frozenset()),
    ("XADD {card}x:control * f v", frozenset()),
    ("EVALSHA 0000000000000000000000000000000000000000 2 {card} other:key", frozenset()),
    ("XREAD STREAMS {control} other:key 0 0", frozenset()),
)
"""What is tried, and who may."""


@pytest.mark.parametrize(("words", "who"), KEY_CASES, ids=[words for words, _ in KEY_CASES])
def test_a_key_is_for_whom_it_is_meant(redis_url: str, words: str, who: frozenset[str]) -> None:
    """To read what one only writes is refused, as is the key of another's."""
    acl.install(redis_url)
    with acl.Session(redis_url) as admin:
        asked = keys_of(words).split()
        may = {name for name in GRANTS if admin.ask("ACL", "DRYRUN", acl.user_of(name), *asked) == "OK"}
    assert may == who


@pytest.mark.parametrize("name", GRANTS)
def test_keys_of_other_programs_are_nobodys(redis_url: str, name: str) -> None:
    """By each command that a user may run, tried."""
    acl.install(redis_url, name)
    granted = {command for part in GRANTS[name].parts for command in part.commands}
    with acl.Session(acl.url_of(redis_url, name)) as session:
        for command in sorted(granted & set(WORDS)):
            words, touches = WORDS[command]
            if touches is None:
                continue
            for key in ("other", "xtl:config", "tl:", "TL:config", "{tl:config}"):
                with pytest.raises(NoPermissionError):
                    session.ask(*words.format(key=key).split())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.pattern)
def test_an_operator_measures_every_kind_of_key(redis_url: str, kind: KeyKind) -> None:
    """As `trunkline keys` does."""
    key = re.sub(r"CA(\*|\?+)", CALL, kind.pattern).replace("{*}", "{0}").replace("*", "ingress-0@h#a")
    lengths = {"stream": "XLEN", "zset": "ZCARD", "set": "SCARD", "hash": "HLEN", "string": "STRLEN"}
    acl.install(redis_url, OPERATOR)
    with acl.Session(redis_url) as admin:
        assert admin.ask("ACL", "DRYRUN", acl.user_of(OPERATOR), lengths[kind.type], key) == "OK"


# Scripts.


@pytest.fixture
async def users(redis_url: str) -> AsyncIterator[dict[str, Store]]:
    """A client of each user."""
    acl.install(redis_url)
    acl.forget_refusals(redis_url)
    found = {
        name: make_store(acl.url_of(redis_url, name), name="t", timeout_s=OWN_TIMEOUT_S) for name in GRANTS
    }
    yield found
    for store in found.values():
        await store.aclose()


def stream(call_sid: str, number: int = 1) -> NewStream:
    return NewStream(
        call_sid=call_sid, stream_sid=f"MZ{number:032x}", ingress=INGRESS, nonce=f"nonce-{number}",
        caller_number="…11", called_number="…22", agent="default", caller_line="+15550001111",
        token_expires_s=1_000 + number,
    )  # fmt: skip


def leg(number: int = 1) -> Leg:
    return Leg(CALL, number, f"MZ{number:032x}", 1_000 + number)


def attach(call_sid: str, number: int = 1) -> ScriptCall:
    return steps.attach(KEYS, stream(call_sid, number), wall_ms=wall_ms(), max_resumes=9)


def claim(role: str, *, call_sid: str = CALL, new_entry: str = "") -> ScriptCall:
    return claiming.claim(
        KEYS, call_sid, role=role, worker=WORKER[role], wall_ms=wall_ms(), new_entry=new_entry
    )


def release(role: str, epoch: int) -> ScriptCall:
    return claiming.release(KEYS, CALL, role=role, worker=WORKER[role], epoch=epoch, wall_ms=wall_ms())


def disown(role: str) -> ScriptCall:
    return claiming.disown(KEYS, LANE, role=role, dead=WORKER[role], by="another", wall_ms=wall_ms())


def restored(number: int) -> ScriptCall:
    call = Restored(
        stream=stream(CALL, number), leg=number, brain=Held(BRAIN, 1), egress=Held("", 1), cut=0,
        last_frame=0, started_at_ms=1, resumes=0,
    )  # fmt: skip
    return steps.restore(KEYS, call, wall_ms=wall_ms())


def condemn() -> ScriptCall:
    return tidying.condemn(
        KEYS, CALL, by=INGRESS, state="attached", leg="1", stream_sid=STREAM, ingress=INGRESS, outcome="x",
        why="y", wall_ms=wall_ms(),
    )  # fmt: skip


def dismiss(stream_key: str, consumer: str) -> ScriptCall:
    return tidying.dismiss(KEYS, LANE, stream_key, by=INGRESS, group="brain", consumer=consumer, idle_ms=0)


def reserve() -> ScriptCall:
    now = wall_ms()
    return steps.reserve(
        KEYS, CALL, wall_ms=now, nonce="nonce-1", expires_at_ms=now + 60_000, rings=Ringing(CALL, "", "")
    )


def move(epoch: int, last_id: str) -> ScriptCall:
    moved = CallerMove(writes.caller_keys(KEYS, CALL), epoch, last_id, b"x", keep_from="0-1")
    return writes.move_callers(LANE, BRAIN, [moved])


BOUNDS = CallerBounds(at_once=5, calls=9, minutes=9, transfers=3)
REPLY = ReplyEntry(ReplyKind.AUDIO, 3, 0, "r", "i", 0, 1.0, b"x")
HISTORY = ItemEntry(item_id="i", role="user", text="x", final=True)


class Runs:
    """Runs scripts as users, and notes which."""

    def __init__(self, users: dict[str, Store]) -> None:
        self.users = users
        self.done: set[tuple[str, str]] = set()

    async def run(self, name: str, call: ScriptCall) -> Any:
        self.done.add((call.script.name, name))
        return await awaited.run(self.users[name], call)

    async def claimed(self, role: str, *, new_entry: str = "") -> Speaker:
        answer = claiming.read_claim(await self.run(role, claim(role, new_entry=new_entry)))
        assert answer.card, "the claim was refused"
        return Speaker(CALL, role, WORKER[role], answer.epoch)

    async def handed(self, role: str) -> str:
        """The entry of a new call, as the role's dispatch reads it."""
        found = await self.users[role].xreadgroup(role, f"{role}-0@h", {KEYS.calls(LANE): ">"}, count=1)
        return found[0][1][0][0].decode()


async def begin(runs: Runs) -> dict[str, Speaker]:
    """A call comes in and is owned."""
    for role in SERVED:
        for key in (KEYS.calls(LANE), KEYS.orphans(LANE)):
            await runs.users[role].xgroup_create(key, role, id="0", mkstream=True)
    await runs.users["brain"].xgroup_create(KEYS.ringing(LANE), "brain", id="0", mkstream=True)
    await runs.run("ingress", count.admit(CALL, most=9, caller="c", bounds=BOUNDS))
    await runs.run("ingress", reserve())
    await runs.run("brain", steps.expect(KEYS, CALL, worker=BRAIN, entry="1-1"))
    await runs.run("ingress", attach(CALL))
    return {role: await runs.claimed(role, new_entry=await runs.handed(role)) for role in SERVED}


async def go_on(runs: Runs, owners: dict[str, Speaker]) -> None:
    """What is written while it lives."""
    brain, egress = owners["brain"], owners["egress"]
    await runs.run("brain", writes.append_reply(KEYS, brain, REPLY, wake=True))
    await runs.run("brain", writes.append_history(KEYS, brain, HISTORY))
    say = Say(text="x", force=False)
    for name, speaker in (("brain", brain), ("egress", egress), ("ingress", Speaker(CALL))):
        letter = writes.append_control(KEYS, speaker, say, sender="s", number="1", wake="brain egress")
        await runs.run(name, letter)
    await runs.run("brain", writes.write_card(KEYS, brain, CutRaised(cut=1)))
    await runs.run("egress", writes.trim_reply(KEYS, egress, "1-1", CutRaised(cut=1)))
    frame = await runs.users["ingress"].xadd(KEYS.caller(CALL), {"v": "1"}, nomkstream=True)
    assert frame is not None
    moved = await runs.run("brain", move(brain.epoch, frame.decode()))
    assert moved == [[b"OK"]]
    await runs.run("ingress", writes.write_leg(KEYS, leg(), CutRaised(cut=1)))
    await runs.run("ingress", count.hold([OnTheLine(CALL, "c")]))
    await runs.run("ingress", count.dials(CALL, caller="c", which=1, most=3))
    for came in ("", "done"):
        asked = steps.rescue(KEYS, leg(), worker="i", lease_ms=1, wall_ms=wall_ms(), came=came)
        await runs.run("ingress", asked)


async def change_hands(runs: Runs, owners: dict[str, Speaker]) -> None:
    """Roles are given back, lost, offered and taken again; the janitor is about."""
    await runs.run("ingress", tidying.lease(KEYS, LANE, worker=INGRESS))
    for role in SERVED:
        await runs.run(role, release(role, owners[role].epoch))
        await runs.run("ingress", tidying.offer(KEYS, CALL, by=INGRESS, role=role, wall_ms=wall_ms()))
        await runs.claimed(role)
        assert await runs.run(role, disown(role)) == [CALL.encode()]
        await runs.claimed(role)
        assert await runs.run("ingress", disown(role)) == [CALL.encode()]
        await runs.claimed(role)
        await runs.run("ingress", tidying.relist(KEYS, LANE, by=INGRESS, worker=WORKER[role], named=[CALL]))
    await runs.run("ingress", tidying.free(KEYS, LANE, "CA" + "9" * 32, by=INGRESS))
    place_ms = await runs.users["ingress"].zscore(ADMITTED, CALL)
    assert place_ms is not None
    assert await runs.run("ingress", count.vacate([(CALL, place_ms)])) == [b"OK", b"1"]


async def leave(runs: Runs, admin: Store) -> None:
    """Streams come and go, Redis forgets, deadlines pass."""
    for planned in ({"": Deadline(0, "x")}, {"apology": Deadline(0, "x")}):
        number = 1 if "" in planned else 2
        await runs.run("ingress", attach(CALL, number))
        gone = steps.detach(
            KEYS, leg(number), ingress=INGRESS, cause="lost", wall_ms=wall_ms(), deadlines=planned
        )
        assert (await runs.run("ingress", gone))[0] == b"OK"
        assert await runs.run("ingress", steps.defer(KEYS, leg(number), Deadline(0, "x"))) == [b"OK"]
        assert len(await runs.run("ingress", steps.due(KEYS, LANE))) == 4
    await admin.redis.xgroup_createconsumer(KEYS.calls(LANE), "brain", "brain-9@h")
    assert await runs.run("ingress", dismiss(KEYS.calls(LANE), "brain-9@h")) == [b"OK"]
    assert await runs.run("ingress", restored(3)) == [b"OK", b"1"]  # An older stream of it stands there.
    await admin.delete(KEYS.card(CALL))
    assert await runs.run("ingress", restored(1)) == [b"OK", b"1"]
    assert await runs.run("ingress", condemn()) == [b"OK"]


async def end(runs: Runs) -> None:
    """By whoever may; the user's systems are told."""
    for number, name in enumerate(sorted(acl.SENT_BY["end"]), start=5):
        call_sid = f"CA{number:032x}"
        await runs.run("ingress", attach(call_sid, number))
        for role in SERVED:
            await runs.run(role, claim(role, call_sid=call_sid))
        runs.done.add(("end", name))
        answer = await awaited.end(runs.users[name], KEYS, call_sid, outcome="x", by="w", tell=True)
        assert answer[1], f"{name} did not end it"
        await awaited.end(runs.users[name], KEYS, f"CA{number + 90:032x}", outcome="x", by="w")  # Not there.
    brain, key = runs.users["brain"], KEYS.hooks(LANE)
    await brain.xgroup_create(key, hooks.GROUP, id="0")
    found = await brain.xreadgroup(hooks.GROUP, BRAIN, {key: ">"}, count=1)
    entry_id = found[0][1][0][0].decode()
    again = writes.hook_again(KEYS, HOOK, entry_id=entry_id, courier=BRAIN)
    assert await runs.run("brain", again) == [b"OK"]


async def test_every_script_runs_as_whoever_sends_it(redis_url: str, users: dict[str, Store]) -> None:
    """A call from its first webhook to its end, with all that may befall it; nothing in any script is
    refused."""
    runs, admin = Runs(users), make_store(redis_url, name="admin", timeout_s=OWN_TIMEOUT_S)
    owners = await begin(runs)
    await go_on(runs, owners)
    await change_hands(runs, owners)
    await leave(runs, admin)
    await end(runs)
    await admin.aclose()
    assert runs.done == {(script, name) for script, names in acl.SENT_BY.items() for name in names}
    assert acl.refusals(redis_url) == []


SPEAKER = Speaker(CALL, "brain", BRAIN, 1)

NOT_FOR: tuple[tuple[ScriptCall, str], ...] = (
    (count.admit(CALL, most=9), "brain egress operator"),
    (count.hold([OnTheLine(CALL)]), "brain egress operator"),
    (count.vacate([(CALL, 1.0)]), "brain egress operator"),
    (count.dials(CALL, caller="c", which=1, most=1), "brain egress operator"),
    (reserve(), "egress operator"),
    (steps.expect(KEYS, CALL, worker=BRAIN, entry="1-1"), "ingress egress operator"),
    (attach(CALL), "operator"),
    (claim("brain", new_entry="1-1"), "ingress operator"),
    (release("brain", 1), "operator"),
    (disown("brain"), "egress operator"),
    (disown("egress"), "brain operator"),
    (restored(1), "operator"),
    (writes.append_history(KEYS, SPEAKER, HISTORY), "ingress egress operator"),
    (writes.append_reply(KEYS, SPEAKER, REPLY, wake=False), "ingress operator"),
    (writes.trim_reply(KEYS, SPEAKER, "1-1"), "ingress operator"),
    (move(1, "1-1"), "ingress egress operator"),
    (writes.hook_again(KEYS, HOOK, entry_id="1-1", courier="w"), "ingress egress"),
    (steps.due(KEYS, LANE), "brain egress operator"),
    (count.lease("w"), "brain egress operator"),
    (tidying.lease(KEYS, LANE, worker="w"), "brain egress operator"),
    (condemn(), "brain egress operator"),
    (tidying.offer(KEYS, CALL, by="w", role="brain", wall_ms=1), "brain egress operator"),
    (tidying.relist(KEYS, LANE, by="w", worker=BRAIN, named=[]), "brain egress operator"),
    (tidying.free(KEYS, LANE, CALL, by="w"), "brain egress operator"),
    (dismiss(KEYS.calls(LANE), "c"), "brain egress operator"),
)
"""Scripts that a user can do nothing with, and whose they are not. A few others need no more than some role
has for its own: who may write a card may write it by any script."""


@pytest.mark.parametrize(
    ("call", "names"), NOT_FOR, ids=[f"{call.script.name}-{who}" for call, who in NOT_FOR]
)
async def test_a_script_is_refused_to_whom_it_is_not(
    users: dict[str, Store], call: ScriptCall, names: str
) -> None:
    """By a key that the user may not have, or by a command in it."""
    for name in names.split():
        # In a script neither server says NOPERM: Valkey tells of permissions, Redis of what one can't run.
        with pytest.raises(ResponseError, match=r"permission|can't run"):
            await awaited.run(users[name], call)


# A whole stack.


def test_a_role_is_given_a_url_of_its_own() -> None:
    """In the environment of its processes alone, whatever stands in a password."""
    options = StackOptions(redis_url="redis://r/0", role_redis_urls={"brain": "redis://b:a%2Fb@r/0"})
    ports = Ports(public=1, admin_base=2, redis=3, realtime=4)
    folder = Path("/run/x")
    text = supervisord_file(options, ports, run_dir=folder, socket=folder / "s", python="/bin/python")
    assert text.count("REDIS_URL_") == 1
    brain = text.partition("[program:brain]")[2].partition("[program:")[0]
    assert 'environment = PYTHONDONTWRITEBYTECODE="",REDIS_URL_BRAIN="redis://b:a%%2Fb@r/0"' in brain


@asynccontextmanager
async def hooks_taken() -> AsyncIterator[tuple[str, list[str]]]:
    """A system of the user's that takes what it is told when it is told again: its URL, and what came."""
    came: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(re.findall(r"content-length: (\d+)", head)[0])
        body = json.loads(await reader.readexactly(length))
        came.append(body["type"])
        status = "200 OK" if came.count(body["type"]) > 1 else "503 Later"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/hook", came


def users_by_connection(url: str) -> set[tuple[str, str]]:
    """Role, and as whom its connections are logged in."""
    with sync_redis.Redis.from_url(url, decode_responses=True) as client:
        named = [(each["name"].partition("-")[0], each["user"]) for each in client.client_list()]
    return {(name, user) for name, user in named if name in (*ROLES, "watchdog")}


async def changes_hands(bridge: Bridge, call_sid: str) -> None:
    """Each of the call's processes is restarted: egress and brain hand it over, ingress moves it."""
    for role in ("egress", "brain", "ingress"):
        worker = (await bridge.card(call_sid))[role]
        await bridge.restart(worker.partition("@")[0])

        async def has_another(role: str = role, worker: str = worker) -> bool:
            return (await bridge.card(call_sid)).get(role) not in ("", worker)

        await wait_until(has_another, f"another {role} has the call", timeout_s=30)


async def test_a_call_with_a_user_a_role(tmp_path: Path) -> None:
    """Greeting, an interruption, a key, hand-overs of each role, webhooks, the command line; the server has
    refused nothing to anybody."""
    with server(valkey_binary(), tmp_path) as url:
        acl.install(url)
        operator = acl.url_of(url, OPERATOR)
        own = {role: acl.url_of(url, role) for role in ROLES}
        async with hooks_taken() as (hook_url, came):
            told = {"TRUNKLINE_WEBHOOK_URL": hook_url, "TRUNKLINE_WEBHOOK_SECRET": "any text"}
            stack = own_stack("acl", operator, told, role_redis_urls=own, watchdog=True, drain_s=1)
            async with stack as bridge:
                await a_call(bridge, Shell.at(url))
                assert users_by_connection(url) == {
                    *((role, acl.user_of(role)) for role in ROLES), ("watchdog", acl.user_of(OPERATOR)),
                }  # fmt: skip
                await wait_until(lambda: came.count("call.ended") >= 2, "the end was told", timeout_s=20)
                logs = bridge.logs()
                assert "NOPERM" not in logs
                assert "redis_refused" not in logs
        assert acl.refusals(url) == []


async def a_call(bridge: Bridge, shell: Shell) -> None:
    done = asyncio.Event()
    steps_of_caller = (
        WaitForSpeech(), WaitForSilence(300), Speak(clip("en_caller_ask")),
        InterruptAfter(600, clip("en_caller_interrupt")), WaitForSpeech(), WaitForSilence(900), Dtmf("1"),
        Until(done.is_set, "the operator is done", limit_ms=120_000), Pause(500), HangUp(),
    )  # fmt: skip
    async with bridge.realtime(), bridge.twilio() as twilio:
        live = twilio.start_call(plan(*steps_of_caller, stop_at_failure=False), QUICK)
        sid = live.call_sid
        await wait_until(lambda: len(live.record.marks) > 0, "the greeting was heard", timeout_s=20)
        for words in (
            ("calls", "--json"), ("show", sid, "--json"), ("keys", "--json"), ("top", "--once"),
            ("say", sid, "One moment.", "--json"),
        ):  # fmt: skip
            said = await shell.trunkline(*words)
            assert said.returncode == 0, (words, said.stderr)
        await changes_hands(bridge, sid)
        ended = await shell.trunkline("hangup", sid)
        assert ended.returncode == 0, ended.stderr
        done.set()
        await live.finished()
        await bridge.until_ended(sid)
    assert '"kind": "ended"' in (await shell.trunkline("watch", sid, "--json")).stdout
    assert sid in (await shell.trunkline("calls", "--ended", "--since", "1h", "--json")).stdout
