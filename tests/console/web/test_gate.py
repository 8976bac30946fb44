"""The gate: who may come in, and from where a form may come."""

from __future__ import annotations

from typing import Any

import pytest

from console.web.gate import (
    LOCAL_USER,
    MOST_CHARS,
    TOKEN_USER,
    Admitted,
    Policy,
    Refused,
    Visit,
    host_of,
    is_token,
    judge,
    peer_of,
    why_foreign,
)
from shared.settings import SettingsError, load

TOKEN = "a-token-of-some-length"
PROXY = "10.0.0.7"
HOST = "127.0.0.1:8081"


def policy(**settings: Any) -> Policy:
    return Policy.of(load(env_file=None, **settings))


def visit(*, peer: str = "127.0.0.1", **headers: str) -> Visit:
    """By the name of this host; `user_header` stands for `user-header`."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit(peer=peer, headers={"host": HOST, **given})


def come(of: Policy, by: Visit, *, has_session: bool = False) -> str | int:
    """The user's name, or the status of the refusal."""
    found = judge(of, by, has_session=has_session)
    return found.user if isinstance(found, Admitted) else found.status


def test_without_a_token_whoever_is_on_this_host_may_come_in() -> None:
    """By a name of this host, with any port."""
    assert policy().is_open
    for host in (HOST, "localhost:9000", "[::1]:8081", "LOCALHOST"):
        assert come(policy(), visit(host=host)) == LOCAL_USER


@pytest.mark.parametrize("host", ["rebound.example:8081", "", "127.0.0.1.evil.example", "[::2]:8081"])
def test_a_name_that_was_made_to_lead_here_is_turned_away(host: str) -> None:
    """A page of elsewhere would read ours, and act in the name of whoever sits at the browser."""
    assert come(policy(), visit(host=host)) == 421


def test_names_that_are_ours_are_told() -> None:
    """Beside those of this host; with a token any is, where none is told."""
    named = policy(web_names="console.example.org", web_token=TOKEN)
    assert come(named, visit(host="console.example.org"), has_session=True) == TOKEN_USER
    assert come(named, visit(host="other.example.org"), has_session=True) == 421
    assert come(policy(web_token=TOKEN), visit(host="any.example.org"), has_session=True) == TOKEN_USER


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "console.example.org"])
def test_a_page_that_others_reach_needs_more(host: str) -> None:
    """It does not start: whoever reaches the port could hang up calls."""
    with pytest.raises(SettingsError, match="TRUNKLINE_WEB_TOKEN"):
        policy(web_host=host)
    assert not policy(web_host=host, web_token=TOKEN).is_open
    assert not policy(web_host=host, web_user_header="X-Forwarded-User").is_open


def test_a_token_is_shown_in_a_header_or_was_shown_before() -> None:
    """Nothing else lets in."""
    mine = policy(web_token=TOKEN)
    assert come(mine, visit()) == 401
    assert come(mine, visit(authorization=f"Bearer {TOKEN}")) == TOKEN_USER
    assert come(mine, visit(authorization=f"bearer {TOKEN}")) == TOKEN_USER
    assert come(mine, visit(authorization=f"Basic {TOKEN}")) == 401
    assert come(mine, visit(authorization="Bearer ")) == 401
    assert come(mine, visit(), has_session=True) == TOKEN_USER
    refused = judge(mine, visit(), has_session=False)
    assert isinstance(refused, Refused)
    assert refused.asks
    assert TOKEN not in refused.words


def test_a_token_that_was_tried_is_told_apart() -> None:
    """From a session, from a header that is a proxy's own, from none at all."""
    mine = policy(web_token=TOKEN, web_user_header="X-Forwarded-User", web_proxies=PROXY)
    guess = {"authorization": "Bearer guessed"}
    assert judge(mine, visit(**guess), has_session=False).tried
    assert judge(mine, visit(authorization=f"Bearer {TOKEN}"), has_session=False).tried
    assert not judge(mine, visit(**guess), has_session=True).tried
    assert not judge(mine, visit(), has_session=False).tried
    assert not judge(mine, visit(peer=PROXY, x_forwarded_user="ann", **guess), has_session=False).tried


def test_tries_are_of_whom_a_trusted_proxy_names() -> None:
    """By what it has added last; whoever comes by themselves may write anything."""
    mine = policy(web_token=TOKEN, web_proxies=PROXY)
    assert peer_of(mine, visit(peer=PROXY, x_forwarded_for="1.1.1.1, 10.9.9.9")) == "10.9.9.9"
    assert peer_of(mine, visit(peer=PROXY)) == PROXY
    assert peer_of(mine, visit(peer="10.0.0.8", x_forwarded_for="10.9.9.9")) == "10.0.0.8"


def test_no_token_is_no_token_of_ours() -> None:
    """An empty one lets nobody in."""
    assert is_token(policy(web_token=TOKEN), TOKEN)
    assert not is_token(policy(web_token=TOKEN), TOKEN + "x")
    assert not is_token(policy(), "")


def test_a_proxy_says_who_it_is() -> None:
    """The one that is trusted; anybody else may write such a header too."""
    mine = policy(web_user_header="X-Forwarded-User", web_proxies=PROXY)
    assert come(mine, visit(peer=PROXY, x_forwarded_user="ann@example.org")) == "ann@example.org"
    assert come(mine, visit(peer="10.0.0.8", x_forwarded_user="ann@example.org")) == 403
    assert come(mine, visit(peer=PROXY)) == 403
    assert come(mine, visit(peer=PROXY, x_forwarded_user="  ")) == 403
    assert come(mine, visit(peer=PROXY), has_session=True) == 403


def test_a_name_that_a_proxy_says_is_bounded_and_printable() -> None:
    """It stands in pages, logs, Redis."""
    mine = policy(web_user_header="X-Forwarded-User", web_proxies=PROXY)
    assert come(mine, visit(peer=PROXY, x_forwarded_user="a\x1b[2Jnn\r\n")) == "a[2Jnn"
    assert come(mine, visit(peer=PROXY, x_forwarded_user="n" * 500)) == "n" * MOST_CHARS


def test_a_proxy_or_a_token() -> None:
    """Where both are set either lets in, each under its own name."""
    mine = policy(web_user_header="X-Forwarded-User", web_proxies=PROXY, web_token=TOKEN)
    assert come(mine, visit(peer=PROXY, x_forwarded_user="ann")) == "ann"
    assert come(mine, visit(peer="10.0.0.8", x_forwarded_user="ann")) == 401
    assert come(mine, visit(authorization=f"Bearer {TOKEN}")) == TOKEN_USER


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": f"http://{HOST}", "sec_fetch_site": "cross-site"}, False),
    ],
)
def test_a_form_of_another_site_is_not_ours(headers: dict[str, str], is_ours: bool) -> None:
    """By what the browser says; another program says nothing, and needs the seal still."""
    assert (why_foreign(visit(**headers)) == "") is is_ours


@pytest.mark.parametrize(
    ("header", "name"),
    [("A.example:80", "a.example"), ("[::1]:80", "::1"), ("[::1]", "::1"), (" x ", "x"), ("", "")],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    """Without its port."""
    assert host_of(header) == name
