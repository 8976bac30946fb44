"""The URL of a Redis: what is refused, and what is shown of it."""

from __future__ import annotations

import pytest

from shared.redis_url import RedisHost, Shape, login_of, place_of, problem_of, read, user_of


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://me:p%2Fw@r.example.com/3",
        "redis://[::1]:6379",
        "unix:///run/redis.sock?db=2",
        "redis://r/0?socket_timeout=3",
        "sentinel://s1:26379,s2,[::1]:26380/calls/2",
        "sentinels://me:p%2Fw@s1,s2/calls?ssl_ca_certs=/ca.pem&sentinel_password=x",
        "cluster://a:7000,b:7001,c",
        "clusters://me:pw@a/?ssl_check_hostname=false",
        "cluster://a?db=0",
    ],
)
def test_a_url_that_can_be_used(url: str) -> None:
    """TLS, a socket, options."""
    assert problem_of(url) == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:notaport", "a number as port"),
        ("redis://me:can/ary@host:6379/0", "%2F"),
        ("redis://host:6379/zero", "the number of a database"),
        ("redis://host:6379/0\n", "a line break at its end"),
        ('"redis://host:6379/0"', "quotes around it"),
        ("http://host:6379", "redis://host:6379/0"),
        ("redis://", "with a host"),
        ("unix://", "path of a socket"),
        ("redis://host/0?socket_timeout=canary", "socket_timeout"),
        ("", "redis://host:6379/0"),
        ("redis://[::1", "a number as port"),
        ("redis://a:1,b:2/0", "redis:// and rediss:// are one server"),
        ("sentinel://s1,s2", "what they call the master"),
        ("sentinel://s1,,s2/calls", "before and behind each comma"),
        ("sentinel://s1/calls/zero", "the number of a database"),
        ("cluster://a:1,b:x", "a number as port"),
        ("cluster://a:1,b:2/3", "a Cluster has one database"),
        ("cluster://a:1,b:2?db=2", "a Cluster has database 0 only"),
        ("cluster://a?sentinel_password=canary", "sentinel:// only"),
        ("rediss://h?ssl_check_hostname=false&socket_timeout=canary", "socket_timeout"),
    ],
)
def test_a_url_that_cannot_be_used_says_why(url: str, said: str) -> None:
    """With what is expected, and nothing of what it says."""
    problem = problem_of(url)
    assert problem.startswith("expected a URL such as redis://host:6379/0")
    assert said in problem
    assert "canary" not in problem
    assert "can/ary" not in problem


def test_what_is_shown_of_it() -> None:
    """Where, as whom, how long the password is."""
    url = "rediss://me:canary%20@r.example.com/3?ssl_ca_certs=/x"
    assert place_of(url) == "rediss://r.example.com:6379/3"
    assert login_of(url) == "user me, a password of 7 characters with a blank at its end"
    assert user_of("redis://:canary@h") == "default"
    assert login_of("redis://h") == "user default, no password"
    assert place_of("unix:///run/r.sock?db=1") == "unix:///run/r.sock"
    assert place_of("redis://[::1]/0") == "redis://[::1]:6379/0"


def test_what_each_shape_says() -> None:
    """Where its servers are, what the master is called, which database, and redis-py's options."""
    one = read("rediss://me:p%2Fw@r/3?ssl_ca_certs=/ca.pem")
    assert (one.shape, one.is_tls, one.hosts, one.database) == (Shape.ONE, True, (RedisHost("r", 6379),), 3)
    assert one.options == {"username": "me", "password": "p/w", "ssl_ca_certs": "/ca.pem"}
    assert not one.may_move
    named = read("sentinels://me:pw@s1,[::1]:26380/calls/2?sentinel_username=u&sentinel_password=x")
    assert (named.shape, named.is_tls, named.master, named.database) == (Shape.SENTINEL, True, "calls", 2)
    assert named.hosts == (RedisHost("s1", 26379), RedisHost("::1", 26380))
    assert named.options == {"username": "me", "password": "pw"}
    assert named.sentinel_login == {"username": "u", "password": "x"}
    spread = read("cluster://a:7000,b")
    assert (spread.shape, spread.hosts) == (Shape.CLUSTER, (RedisHost("a", 7000), RedisHost("b", 6379)))
    assert spread.may_move
    socket = read("unix:///run/r.sock?db=2")
    assert (socket.hosts, socket.database) == ((RedisHost("", 0, "/run/r.sock"),), 2)


def test_no_secret_is_shown_of_it() -> None:
    """Not by its place, not by its repr."""
    place = read("sentinel://me:canary@s1/calls?sentinel_password=canary")
    assert "canary" not in repr(place)
    assert place_of("sentinel://me:canary@s1,s2:1/calls/2") == "sentinel://s1:26379,s2:1/calls/2"
    assert place_of("clusters://me:canary@[::1],b") == "clusters://[::1]:6379,b:6379"
    assert login_of("cluster://me:canary@a,b") == "user me, a password of 6 characters"
