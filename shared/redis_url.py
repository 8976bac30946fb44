"""What the URL of a Redis says: its shape, where its servers are, how one logs in, what may be shown of it.

Why it exists: redis-py finds a slip in it only where it connects, its words may repeat a password, and its
URLs know one server only. Owns: the forms of the URL, the check at the start, the form without a secret.
Must not know: who connects.

    redis://user:password@host:6379/0                one server; rediss:// with TLS, unix:// a socket
    sentinel://user:password@h1:26379,h2:26379/name  the master that Sentinels call so; sentinels:// with TLS
    cluster://user:password@h1:6379,h2:6379          a Cluster, by some of its nodes; clusters:// with TLS

Options stand behind the ?, as redis-py names them: ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs,
ssl_check_hostname, ssl_min_version … With TLS they hold for Sentinels and servers alike. A Sentinel that
wants a password of its own gets `sentinel_username` and `sentinel_password`. The number of a database stands
behind the last /, where there is a choice.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio.connection import parse_url

from shared.forms import oddity_of, secret_shown

DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379
DEFAULT_USER = "default"
EXPECTED = (
    "expected a URL such as redis://host:6379/0, rediss://, unix://,"
    " sentinel://host:26379,host:26379/name or cluster://host:6379,host:6379"
)

SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


class Shape(enum.Enum):
    """How a Redis is set up."""

    ONE = "one server"
    SENTINEL = "Sentinel"
    CLUSTER = "Cluster"


SCHEMES: Mapping[str, tuple[Shape, bool]] = {
    "redis": (Shape.ONE, False),
    "rediss": (Shape.ONE, True),
    "unix": (Shape.ONE, False),
    "sentinel": (Shape.SENTINEL, False),
    "sentinels": (Shape.SENTINEL, True),
    "cluster": (Shape.CLUSTER, False),
    "clusters": (Shape.CLUSTER, True),
}
"""The shape of each, and whether it is TLS."""


@dataclass(frozen=True, slots=True)
class RedisHost:
    """Where one server, or one Sentinel, listens. `path`: of a Unix socket, in place of the two."""

    name: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A URL that was read. `hosts`: the server; Sentinels; or nodes of the Cluster that are asked first."""

    shape: Shape
    is_tls: bool
    hosts: tuple[RedisHost, ...]
    master: str
    """What the Sentinels call it; empty for other shapes."""
    database: int
    options: Mapping[str, Any] = field(repr=False)
    """Of each connection to a server, as redis-py takes them: user, password, TLS, time-outs."""
    sentinel_login: Mapping[str, str] = field(repr=False)
    """User and password for the Sentinels, where they want one."""

    @property
    def may_move(self) -> bool:
        """Whether another server may have a key tomorrow."""
        return self.shape is not Shape.ONE


def read(url: str) -> RedisPlace:
    """What a URL says. Raises ValueError where `problem_of` names a problem."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(EXPECTED)
    shape, is_tls = SCHEMES[parts.scheme]
    query = dict(parse_qsl(parts.query))
    login = {name: query.pop(name) for name in SENTINEL_OPTIONS if name in query}
    if login and shape is not Shape.SENTINEL:
        raise ValueError(f"{EXPECTED}; {' and '.join(login)} belong to sentinel:// only")
    names = [unquote(word) for word in parts.path.split("/") if word]
    master = names.pop(0) if shape is Shape.SENTINEL and names else ""
    hosts = _hosts_of(parts, shape)
    # redis-py reads user, password and options, whatever the shape: of a URL with one host.
    userinfo = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    scheme = "unix" if parts.scheme == "unix" else "rediss" if is_tls else "redis"
    tail = f"?{urlencode(query)}" if query else ""
    where = parts.path if scheme == "unix" else "host"
    found: dict[str, Any] = dict(parse_url(f"{scheme}://{userinfo}{where}{tail}"))
    database = int(found.pop("db", 0) or 0)
    if names and scheme != "unix":
        database = int(names[0])
    if database and shape is Shape.CLUSTER:
        raise ValueError(f"{EXPECTED}: a Cluster has database 0 only, so there is no db= to choose one")
    for name in ("host", "port", "path", "connection_class"):
        found.pop(name, None)
    return RedisPlace(
        shape=shape, is_tls=is_tls, hosts=hosts, master=master, database=database, options=found,
        sentinel_login={name.removeprefix("sentinel_"): value for name, value in login.items()},
    )  # fmt: skip


def problem_of(url: str) -> str:
    """Why it cannot be used, without what it says; empty when it can."""
    odd = oddity_of(url)
    if odd:
        return f"{EXPECTED}, in one word; this has {odd}"
    try:
        parts = urlsplit(url)
    except ValueError:  # A bracket without its other half.
        return f"{EXPECTED}, {_PORT}"
    if parts.scheme not in SCHEMES:
        return EXPECTED
    shape, _ = SCHEMES[parts.scheme]
    if parts.scheme == "unix":
        if not parts.path:
            return f"{EXPECTED}, with the path of a socket: unix:///run/redis.sock"
    else:
        problem = _problem_of_hosts(parts) or _problem_of_path(parts, shape)
        if problem:
            return problem
    try:
        read(url)
    except (ValueError, TypeError) as error:
        # What redis-py complains of is an option behind the ?: it names the option, not its value.
        said = str(error)
        if said.startswith(EXPECTED):
            return said
        return f"{EXPECTED}; {said}" if parts.query else EXPECTED
    return ""


def user_of(url: str) -> str:
    """The Redis user that it logs in as."""
    return unquote(_userinfo(url)[0]) or DEFAULT_USER


def place_of(url: str) -> str:
    """Where it is: the URL without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    shape, _ = SCHEMES[parts.scheme]
    return f"{parts.scheme}://{','.join(map(str, _hosts_of(parts, shape)))}{parts.path}"


def login_of(url: str) -> str:
    """How it logs in, in words: the user, and how long the password is."""
    password = unquote(_userinfo(url)[1])
    if not password:
        return f"user {user_of(url)}, no password"
    odd = oddity_of(password)
    return f"user {user_of(url)}, a password of {secret_shown(password)}{f' with {odd}' if odd else ''}"


# Private.

_PORT = "with a number as port; a password with / ? # @ or : in it needs these as %2F %3F %23 %40 %3A"


def _userinfo(url: str) -> tuple[str, str]:
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return user, password


def _hosts_of(parts: SplitResult, shape: Shape) -> tuple[RedisHost, ...]:
    if parts.scheme == "unix":
        return (RedisHost("", 0, unquote(parts.path)),)
    default = DEFAULT_SENTINEL_PORT if shape is Shape.SENTINEL else DEFAULT_PORT
    hosts = []
    for word in parts.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{word}")
        hosts.append(RedisHost(unquote(one.hostname or ""), default if one.port is None else one.port))
    return tuple(hosts)


def _problem_of_hosts(parts: SplitResult) -> str:
    words = parts.netloc.rpartition("@")[2].split(",")
    for word in words:
        try:
            one = urlsplit(f"//{word}")
            _ = one.port  # Raises when it is not a port.
        except ValueError:
            return f"{EXPECTED}, {_PORT}"
        if not one.hostname:
            return f"{EXPECTED}, with a host{'' if len(words) == 1 else ' before and behind each comma'}"
    if len(words) > 1 and SCHEMES[parts.scheme][0] is Shape.ONE:
        return f"{EXPECTED}: redis:// and rediss:// are one server"
    return ""


def _problem_of_path(parts: SplitResult, shape: Shape) -> str:
    words = [unquote(word) for word in parts.path.split("/") if word]
    if shape is Shape.SENTINEL:
        if not words:
            return f"{EXPECTED}: behind the Sentinels stands what they call the master, /name"
        words = words[1:]
    if shape is Shape.CLUSTER:
        return f"{EXPECTED}: a Cluster has one database, so nothing stands behind its nodes" if words else ""
    if len(words) > 1 or (words and not words[0].isdigit()):
        return f"{EXPECTED}, with the number of a database behind the last /"
    return ""
