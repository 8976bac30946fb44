"""The users of deploy/redis/acl on a test's server: what they may, what was refused, a connection as one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import redis as sync_redis

from proofs.prove.chaos.shapes.node import Node
from shared.contract.worker import ROLES
from shared.store.access.grants import GRANTS

FOLDER = Path(__file__).parents[2] / "deploy" / "redis" / "acl"
PASSWORD = "a-password-for-tests"

Words = tuple[str, ...]

_INGRESS = frozenset({"ingress"})

SENT_BY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("admit", "hold", "vacate", "dials", "reserve", "attach", "figures"), _INGRESS),
    **dict.fromkeys(("restore", "detach", "defer", "due", "rescue", "lease", "condemn"), _INGRESS),
    **dict.fromkeys(("offer", "relist", "free", "dismiss"), _INGRESS),
    **dict.fromkeys(("expect", "turn", "hook_again"), frozenset({"brain"})),
    **dict.fromkeys(("claim", "release", "trim"), frozenset({"brain", "egress"})),
    **dict.fromkeys(("append", "disown"), frozenset(ROLES)),
    "end": frozenset({*ROLES, "operator"}),
}
"""By script, who runs it."""


def user_of(name: str) -> str:
    """A user by its file: `brain`."""
    return GRANTS[name].user


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.acl"


def install(url: str, *names: str) -> None:
    """Makes the users, or makes them anew, from the tracked files; all have one password."""
    with sync_redis.Redis.from_url(url) as client:
        for name in names or tuple(GRANTS):
            _, *rules = file_of(name).read_text("utf-8").split()
            client.execute_command("ACL", "SETUSER", *rules, "resetpass", f">{PASSWORD}")


def install_at(nodes: Iterable[Node], *names: str) -> None:
    """The same on each server of a Redis that has several: users are of one server alone."""
    for node in nodes:
        for name in names or tuple(GRANTS):
            _, *rules = file_of(name).read_text("utf-8").split()
            node.ask("ACL", "SETUSER", *rules, "resetpass", f">{PASSWORD}")


def url_of(url: str, name: str) -> str:
    """The same Redis, of whatever shape, logged in as a user."""
    return url.replace("://", f"://{user_of(name)}:{PASSWORD}@")


def forget_refusals(url: str) -> None:
    """What was refused before is of another test."""
    with sync_redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "LOG", "RESET")


def refusals(url: str) -> list[str]:
    """What the server has refused to our users: who, what (a command or a key), where (a script, MULTI)."""
    with Session(url) as session:
        entries = session.ask("ACL", "LOG", "128")
    found = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in entries]
    return [
        f"{entry['username']}: {entry['reason']} {entry['object']} ({entry['context']})"
        for entry in found
        if entry["username"] in {grant.user for grant in GRANTS.values()}
    ]


class Session:
    """One connection: words in, the server's plain answer out."""

    def __init__(self, url: str) -> None:
        # Who it is, the library would say in words that none of these users may send.
        self._client = sync_redis.Redis.from_url(url, protocol=2, decode_responses=True, driver_info=None)
        self._connection: Any = self._client.connection_pool.get_connection()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.disconnect()
        self._client.close()

    def ask(self, *words: str) -> Any:
        """Raises ResponseError, as redis-py names it."""
        self._connection.send_command(*words)
        return self._connection.read_response()


def commands_of(session: Session) -> dict[str, Words]:
    """Every command that the server has and that needs a permission, by the name that rules have for it:
    words of the number that it takes. A command that only holds others is none."""
    names = sorted(session.ask("COMMAND", "LIST"))
    found: dict[str, Words] = {}
    for name, told in zip(names, session.ask("COMMAND", "INFO", *names), strict=True):
        arity, flags, inner = told[1], told[2], told[9]
        words = name.split("|")
        is_holder = bool(inner) and name != "command"
        if not is_holder and "no_auth" not in flags:
            found[name] = (*words, *("k" for _ in range(abs(arity) - len(words))))
    return found
