"""`trunkline run`: which parts are embedded, and what it says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from console.stack import foreground
from console.stack.foreground import (
    Progress,
    advice,
    options_from,
    python_name,
    redis_cli,
)
from console.stack.launcher import Stack
from console.stack.plan import CALL_COMES_IN, DEMO_PUBLIC_URL, DEPLOY, Ports, with_realtime, with_valkey
from shared.settings import load

PORTS = Ports(public=21_000, admin_base=22_000, redis=23_000, realtime=24_000, web=25_000)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside."""
    for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def said(**settings: str) -> str:
    found = load(env_file=None, **settings)
    stack = Stack(options_from(found, "run", None))
    stack.ports, stack.run_dir = PORTS, Path("/run/x")
    return "\n".join(Text.from_markup(line).plain for line in advice(stack, found))


def test_nothing_set_means_everything_embedded() -> None:
    """Valkey and the simulator, with made-up Twilio values."""
    options = options_from(load(env_file=None), "run", None)
    assert with_valkey(options)
    assert with_realtime(options)
    assert options.public_url == DEMO_PUBLIC_URL


def test_a_redis_a_key_and_a_public_name_are_used() -> None:
    """What is set is not embedded."""
    found = load(
        env_file=None, redis_url="redis://r:1/0", openai_api_key="sk-x", public_url="https://b.example.com"
    )
    options = options_from(found, "run", None)
    assert (options.redis_url, options.model_base_url) == ("redis://r:1/0", "https://api.openai.com/v1")
    assert (options.model_api_key, options.public_url) == ("sk-x", "https://b.example.com")


def test_ones_own_calls_are_shown_and_broken_unless_a_setting_says_otherwise() -> None:
    """The page of `make run` is on this host, for whoever has started it: words are shown, and a brain may be
    killed. Neither is so as production has it."""
    shows, breaks = {"TRUNKLINE_WEB_SHOWS": "text"}, {"TRUNKLINE_WEB_BREAKS": "true"}
    assert options_from(load(env_file=None), "run", None).environment == {**shows, **breaks}
    assert options_from(load(env_file=None, web_shows=""), "run", None).environment == breaks
    assert options_from(load(env_file=None, web_breaks=False), "run", None).environment == shows
    assert not load(env_file=None).web_breaks
    assert "WEB_BREAKS" not in "".join(file.read_text("utf-8") for file in DEPLOY.rglob("*.conf"))


def test_development_values_are_named_as_such() -> None:
    """And that real calls need real ones."""
    text = said()
    assert "PUBLIC_URL and TWILIO_AUTH_TOKEN not set" in text
    assert "Real calls need both" in text


def test_it_says_where_twilio_is_to_call_and_how_to_call_without_it() -> None:
    """Webhooks, tunnel, simulated call: with the real port and token."""
    text = said(public_url="https://b.example.com", twilio_auth_token="secret-1,secret-2")
    for path in ("/voice ", "/voice/fallback", "/call-status"):
        assert f"https://b.example.com{path}" in text
    assert "http://127.0.0.1:21000" in text
    assert "--dial 127.0.0.1:21000 --auth-token secret-1 " in text
    assert "not set, so made up" not in text


def test_it_says_how_to_look_inside() -> None:
    """With the paths and ports of this run."""
    text = said()
    assert "supervisorctl -c /run/x/supervisord.conf status" in text
    assert "redis-cli -h 127.0.0.1 -p 23000 zrange 'tl:{0}:live' 0 -1" in text
    assert "http://127.0.0.1:22000/metrics" in text


def test_it_says_where_the_web_console_is() -> None:
    """Under a name by which this host may ask for it."""
    assert "Web console: http://127.0.0.1:25000/" in said()
    assert "Web console: http://127.0.0.1:25000/" in said(web_host="0.0.0.0", web_token="t" * 20)
    assert "Web console: http://localhost:25000/" in said(web_host="localhost")
    assert options_from(load(env_file=None), "run", None).web


def test_no_password_is_printed() -> None:
    """Neither of Redis nor of the model."""
    text = said(redis_url="rediss://user:hidden@r.example.com:6380/0", openai_api_key="sk-hidden")
    assert "hidden" not in text
    assert "REDISCLI_AUTH=… redis-cli -h r.example.com -p 6380 --user user --tls zrange" in text


NAMED = (
    "redis-cli $(redis-cli -h s1 -p 26379{tls} SENTINEL get-master-addr-by-name main"
    " | sed '1s/^/-h /;2s/^/-p /'){rest}"
)
"""The master's address, put into words."""


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("unix:///tmp/r.sock", "redis-cli -s /tmp/r.sock"),
        ("redis://r:7000/3", "redis-cli -h r -p 7000 -n 3"),
        ("rediss://r/0", "redis-cli -h r -p 6379 --tls"),
        (
            "rediss://r/0?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
            "redis-cli -h r -p 6379 --tls --cacert /ca.pem --cert /c.pem --key /k.pem",
        ),
        ("rediss://r/0?ssl_cert_reqs=none", "redis-cli -h r -p 6379 --tls --insecure"),
        ("sentinel://u:p@s1,s2/main", "REDISCLI_AUTH=… " + NAMED.format(tls="", rest=" --user u")),
        (
            "sentinels://s1/main/2?ssl_ca_certs=/ca.pem",
            NAMED.format(tls=" --tls --cacert /ca.pem", rest=" -n 2 --tls --cacert /ca.pem"),
        ),
        ("cluster://:p@a:7001,b:7002", "REDISCLI_AUTH=… redis-cli -c -h a -p 7001"),
    ],
)
def test_redis_cli_for_each_shape(url: str, command: str) -> None:
    """The arguments that reach it; no password is among them."""
    assert redis_cli(url) == command


def test_all_lanes_are_looked_at() -> None:
    """And no scan of one node of a Cluster is taken for one of all."""
    text = said(redis_url="cluster://a:7001")
    assert (
        """for lane in $(seq 0 15); do redis-cli -c -h a -p 7001 zrange "tl:{$lane}:live" 0 -1; done"""
        in text
    )
    assert "--scan" not in text


def test_the_webhook_is_the_one_of_the_readme() -> None:
    """With Twilio's own retries behind the #."""
    assert f"https://b.example.com{CALL_COMES_IN} " in said(public_url="https://b.example.com")
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    assert f"https://bridge.example.com{CALL_COMES_IN}`" in readme


def test_the_doctor_is_given_what_this_run_made_up() -> None:
    """And only that: what is set is in the shell already."""
    text = said()
    assert (
        "REDIS_URL=redis://127.0.0.1:23000/0 PUBLIC_URL=https://demo.trunkline.test TWILIO_AUTH_TOKEN="
        in text
    )
    assert "trunkline doctor --offline --config /run/x/supervisord.conf" in text
    (line,) = [
        line
        for line in said(redis_url="redis://r:1/0", openai_api_key="sk-hidden", twilio_auth_token="t" * 32,
                         public_url="https://b.example.com").splitlines()
        if "trunkline doctor" in line
    ]  # fmt: skip
    assert line.strip().startswith(python_folder())
    assert "=" not in line


def python_folder() -> str:
    """Where the command lies, as the lines have it."""
    return str(Path(python_name()).parent)


def test_progress_is_a_line_whenever_another_process_is_ready() -> None:
    """At once, not after seconds; what changes in between is shown and not kept."""
    shown: list[str] = []
    output = io.StringIO()
    progress = Progress(Console(file=output, width=200), shown.append)
    for line in ("0 of 2 processes ready; waiting for a (not up yet), b (not up yet)",
                 "0 of 2 processes ready; waiting for a (draining), b (not up yet)",
                 "1 of 2 processes ready; waiting for b (not up yet)", "2 of 2 processes ready"):  # fmt: skip
        progress.tell(line)
    assert len(shown) == 4
    kept = output.getvalue().splitlines()
    assert [line.split("s  ")[1].split(" ready")[0] for line in kept] == [
        "0 of 2 processes", "1 of 2 processes", "2 of 2 processes",
    ]  # fmt: skip


def test_admin_ports_are_those_of_the_settings() -> None:
    """So that doctor, which has the same, looks where the processes are. Others do, if nobody said so."""
    options = options_from(load(env_file=None), "run", None)
    assert (options.admin_base, options.admin_base_is_set) == (9100, False)
    options = options_from(load(env_file=None, admin_port_base=9300), "run", None)
    assert (options.admin_base, options.admin_base_is_set) == (9300, True)


def test_a_port_that_is_set_and_taken_stays_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has set it looks there: the start says who has it. Another one does, if nobody said so."""
    monkeypatch.setattr(foreground, "is_free", lambda _port: False)
    options = options_from(load(env_file=None, port=8080, web_port=8081), "run", None)
    assert (options.port, options.web_port) == (8080, 8081)
    options = options_from(load(env_file=None), "run", None)
    assert (options.port, options.web_port) == (0, 0)
