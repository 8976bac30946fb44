"""What a Redis user may not do is named at the start, and nothing is done to find it out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis as sync_redis

from shared.redis_url import read
from shared.store.access.check import inspect
from shared.store.access.grants import ALL_ROLES, GRANTS, OPERATOR, RECORDER, Access
from shared.store.access.permissions import WORDS, Missing, asks_of, commands, missing
from shared.store.client import make_store
from shared.store.errors import RedisForbids, RedisLoginRefused
from tests.support import acl

ROOT = Path(__file__).parents[4]
ONE = read("redis://127.0.0.1/0")
ASKED_OTHERWISE = {
    "AUTH": "a part of logging in",
    "SELECT": "a part of logging in",
    "MULTI": "what asks for the others",
    "EXPIRE": "tests alone",
    "TTL": "tests alone",
}
"""Commands that the list does not need, and why."""

NEEDS = {
    "access": Access.READ, "insert": Access.WRITE, "update": Access.WRITE, "delete": Access.WRITE,
}  # fmt: skip
"""What must be allowed of a key, by Redis's word for what a command does with it."""


def as_user(url: str, *rules: str) -> str:
    """A URL of a new user with these rules."""
    with sync_redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">secret", *rules)
    return url.replace("redis://", "redis://app:secret@")


def grant(url: str, remedy: str) -> None:
    """As the administrator, who types it."""
    with sync_redis.Redis.from_url(url) as client:
        client.execute_command(*remedy.split(" "))


async def lacks(url: str, role: str = "") -> Missing:
    store = make_store(url, name="t")
    try:
        return await missing(store, role)
    finally:
        await store.aclose()


async def test_a_user_that_may_do_all_lacks_nothing(redis_url: str) -> None:
    """And nothing was done: the server is as empty as before."""
    assert not await lacks(redis_url)
    one_for_all = as_user(redis_url, "~tl:*", "+@all", "-@dangerous", "+info")
    for role in ("", "ingress", "brain", "egress"):
        assert not await lacks(one_for_all, role)
    with sync_redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


@pytest.mark.parametrize("name", GRANTS)
async def test_the_user_of_a_role_lacks_nothing_of_it(redis_url: str, name: str) -> None:
    """And is asked for nothing else: a question that is refused would stand in the server's log."""
    acl.install(redis_url, name)
    acl.forget_refusals(redis_url)
    assert not await lacks(acl.url_of(redis_url, name), name)
    assert acl.refusals(redis_url) == []


@pytest.mark.parametrize("role", ["", *GRANTS])
async def test_what_the_remedies_grant_is_enough(redis_url: str, role: str) -> None:
    """Commands first: whoever may not run one is not told about its key."""
    url = as_user(redis_url, "+multi")
    for _ in range(3):
        found = await lacks(url, role)
        if found:
            grant(redis_url, found.remedy("app"))
    assert not await lacks(url, role)
    if role not in (OPERATOR, RECORDER):  # Who start no role.
        store = make_store(url, name="t")
        assert await inspect(store, 1, ONE, role=role)
        await store.aclose()


WITHOUT_LANES = tuple(str(rule) for rule in ALL_ROLES.parts[0].keys if not rule.pattern.startswith("tl:{"))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (("~tl:*", "+@all", "-xautoclaim", "-script|load"), Missing(commands=("script|load", "xautoclaim"))),
        (("~tl:*", "+@all", "-client|setname"), Missing(commands=("client|setname",))),
        (("~tl:*", "+@all", "-multi"), Missing(commands=("multi",))),
        (("~tl:*", "+@all", "-exec"), Missing(commands=("exec",))),
        (("~tl:*", "+@all", "-discard"), Missing(commands=("discard",))),
        (("~tl:{*", "+@all"), Missing(keys=WITHOUT_LANES)),
        (("~other:*", "+@all"), Missing(keys=("~tl:*",))),
    ],
)
async def test_what_is_missing_is_named(redis_url: str, rules: tuple[str, ...], expected: Missing) -> None:
    """As rules write it."""
    assert await lacks(as_user(redis_url, *rules)) == expected


async def test_a_role_is_asked_for_what_it_needs_alone(redis_url: str) -> None:
    """A command or a pattern of another role is none of its business; one of its own is, and so is the right
    to read where it may only write."""
    rules = set(GRANTS["ingress"].parts[0].rules.split())
    url = as_user(redis_url, *sorted(rules - {"+zscore", "%R~tl:speech"} | {"%W~tl:speech"}, reverse=True))
    assert await lacks(url, "ingress") == Missing(commands=("zscore",), keys=("%R~tl:speech",))
    assert "xreadgroup" in (await lacks(url, "brain")).commands


async def test_an_operator_is_given_whole_selectors(redis_url: str) -> None:
    """What they may do with some keys they shall not do with all that they may read."""
    own, *_ = GRANTS[OPERATOR].parts
    url = as_user(redis_url, *own.rules.split())
    found = await lacks(url, OPERATOR)
    assert found == Missing(selectors=GRANTS[OPERATOR].selectors)
    assert str(found).startswith("lacks (+exists +hlen ")
    grant(redis_url, found.remedy("app"))
    assert not await lacks(url, OPERATOR)


async def test_a_start_without_permission_says_what_to_grant(redis_url: str) -> None:
    """As the command that grants it."""
    store = make_store(as_user(redis_url, "~tl:{*", "+@all", "-xreadgroup"), name="t")
    with pytest.raises(RedisForbids) as refused:
        await inspect(store, 1, ONE, user="app")
    await store.aclose()
    assert "app may not run xreadgroup and lacks the keys ~tl:config, ~tl:workers, " in str(refused.value)
    assert f"ACL SETUSER app {' '.join(WITHOUT_LANES)} +xreadgroup" in str(refused.value)


async def test_a_wrong_password_is_refused(redis_url: str) -> None:
    """Waiting would not mend it; nor a password where the server has none, or none where it wants one."""
    wrong = as_user(redis_url, "~tl:*", "+@all").replace("secret", "canary")
    store = make_store(wrong, name="t")
    with pytest.raises(RedisLoginRefused, match="REDIS_URL") as refused:
        await inspect(store, 1, ONE)
    await store.aclose()
    assert "canary" not in str(refused.value)


async def test_a_full_memory_is_no_matter_of_permissions(redis_url: str) -> None:
    """It is told apart: it may pass, and concerns everybody."""
    with sync_redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1")
        try:
            found = await lacks(redis_url)
        finally:
            client.config_set("maxmemory", "0")
    assert not found
    assert "command not allowed when used memory" in found.refusal


def test_every_command_that_is_sent_is_asked_for(valkey_url: str) -> None:
    """By scripts, by hand, by the typed client: a new one must be listed too. The server knows all words."""
    with sync_redis.Redis.from_url(valkey_url) as client:
        known = {name.decode().upper() for name in client.command_list()}
    words: set[str] = set()
    for path in (ROOT / "shared/contract/lua").glob("*.lua"):
        words |= set(re.findall(r"redis\.p?call\('([A-Z]+)'", path.read_text("utf-8")))
    for package in ("shared", "ingress", "brain", "egress"):
        for path in (ROOT / package).rglob("*.py"):
            words |= set(re.findall(r'b"([A-Z]+)"', path.read_text("utf-8")))
    typed = (ROOT / "shared/store/client.py").read_text("utf-8")
    words |= {name.upper() for name in re.findall(r"self\.redis\.([a-z]+)\(", typed)}
    listed = {each[0] for each in commands()}
    assert words & known - listed - set(ASKED_OTHERWISE) == set()
    assert listed - known == set()


def test_what_a_command_does_with_its_key_is_what_the_server_says(redis_url: str) -> None:
    """Else it would be asked for on a key on which it may not be used."""
    with acl.Session(redis_url) as session:
        told = {name: session.ask("COMMAND", "INFO", name)[0][8] for name in WORDS}
    for name, specs in told.items():
        touches = WORDS[name][1]
        assert bool(specs) == (touches is not None), name
        fields = [dict(zip(spec[::2], spec[1::2], strict=True)) for spec in specs]
        needed = {NEEDS[flag.lower()] for each in fields for flag in each["flags"] if flag.lower() in NEEDS}
        assert touches is None or all(touches.allows(each) for each in needed), name


@pytest.mark.parametrize("name", GRANTS)
def test_every_pattern_is_asked_for(name: str) -> None:
    """On a key that fits it; one question may be for several."""
    asked = {(ask.selector, ask.rule) for ask in asks_of(GRANTS[name])}
    parts = zip(("", *GRANTS[name].selectors), GRANTS[name].parts, strict=True)
    assert {(selector, rule) for selector, part in parts for rule in part.keys} <= asked
