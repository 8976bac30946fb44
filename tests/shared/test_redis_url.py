"""The URL of a Redis: what is refused, and what is shown of it."""

from __future__ import annotations

import pytest

from shared.redis_url import login_of, place_of, problem_of, user_of


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://me:p%2Fw@r.example.com/3",
        "redis://[::1]:6379",
        "unix:///run/redis.sock?db=2",
        "redis://r/0?socket_timeout=3",
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
