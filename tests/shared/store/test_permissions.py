"""What a Redis user may not do is named at the start, and nothing is done to find it out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis as sync_redis

from shared.store.check import wait_for_redis
from shared.store.client import make_store
from shared.store.errors import RedisForbids, RedisLoginRefused
from shared.store.permissions import COMMANDS, Missing, missing

ROOT = Path(__file__).parents[3]
ASKED_OTHERWISE = {
    "AUTH": "a part of logging in",
    "SELECT": "a part of logging in",
    "MULTI": "what asks for the others",
    "EXPIRE": "tests alone",
    "TTL": "tests alone",
}
"""Commands that the list does not need, and why."""


def as_user(url: str, *rules: str) -> str:
    """A URL of a new user with these rules."""
    with sync_redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">secret", *rules)
    return url.replace("redis://", "redis://app:secret@")


async def lacks(url: str) -> Missing:
    store = make_store(url, name="t")
    try:
        return await missing(store)
    finally:
        await store.aclose()


async def test_a_user_that_may_do_all_lacks_nothing(redis_url: str) -> None:
    """And nothing was done: the server is as empty as before."""
    assert not await lacks(redis_url)
    assert not await lacks(as_user(redis_url, "~tl:*", "+@all", "-@dangerous", "+info"))
    with sync_redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


async def test_exactly_the_listed_commands_are_enough(redis_url: str) -> None:
    """What a user is granted by the remedy is enough for the check itself and for a process's start."""
    needed = await lacks(as_user(redis_url, "~tl:*", "+multi", "+discard"))
    url = as_user(
        redis_url, "~tl:*", "+multi", "+discard", "+exec", *(f"+{name}" for name in needed.commands)
    )
    assert not await lacks(url)
    store = make_store(url, name="t")
    assert await wait_for_redis(store, 1, lambda _why: None)
    await store.aclose()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (("~tl:*", "+@all", "-xautoclaim", "-script|load"), Missing(commands=("script|load", "xautoclaim"))),
        (("~tl:*", "+@all", "-client|setname"), Missing(commands=("client|setname",))),
        (("~tl:*", "+@all", "-multi"), Missing(commands=("multi",))),
        (("~tl:{*", "+@all"), Missing(keys=("tl:config", "tl:workers", "tl:worker:brain-0@host#boot",
                                            "tl:audit", "tl:spent:2026-01-05",
                                            "tl:out:ingress-0@host#boot", "tl:back:egress-0@host#boot"))),
    ],
)  # fmt: skip
async def test_what_is_missing_is_named(redis_url: str, rules: tuple[str, ...], expected: Missing) -> None:
    """Commands as rules write them, keys by one of each kind."""
    assert await lacks(as_user(redis_url, *rules)) == expected


async def test_a_start_without_permission_says_what_to_grant(redis_url: str) -> None:
    """As the command that grants it."""
    store = make_store(as_user(redis_url, "~tl:{*", "+@all", "-xreadgroup"), name="t")
    with pytest.raises(RedisForbids) as refused:
        await wait_for_redis(store, 1, lambda _why: None, user="app")
    await store.aclose()
    assert "app may not run xreadgroup and may not read and write keys tl:config" in str(refused.value)
    assert str(refused.value).endswith("ACL SETUSER app ~tl:* +xreadgroup")


async def test_a_wrong_password_is_refused(redis_url: str) -> None:
    """Waiting would not mend it; nor a password where the server has none, or none where it wants one."""
    wrong = as_user(redis_url, "~tl:*", "+@all").replace("secret", "canary")
    store = make_store(wrong, name="t")
    with pytest.raises(RedisLoginRefused, match="REDIS_URL") as refused:
        await wait_for_redis(store, 1, lambda _why: None)
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
    listed = {each[0] for each in COMMANDS}
    assert words & known - listed - set(ASKED_OTHERWISE) == set()
    assert listed - known == set()
