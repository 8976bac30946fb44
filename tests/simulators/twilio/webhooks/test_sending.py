"""Webhooks: overrides in the fragment, retries, the dial address."""

from __future__ import annotations

import httpx
import pytest

from simulators.twilio.record import CallRecord
from simulators.twilio.webhooks.sending import (
    DialTransport,
    Overrides,
    WebhookClient,
    read_overrides,
    should_retry,
)
from tests.simulators.twilio.reference_bridge import AUTH_TOKEN, VOICE_URL, reference_bridge
from tests.support.servers import free_port


def test_the_fragment_is_read_and_taken_off() -> None:
    """Out of range is clamped, nonsense is the default."""
    url, overrides = read_overrides("https://h/v?a=1#ct=1000&rt=99999&rc=5&rp=5xx,rt&tt=x")

    assert url == "https://h/v?a=1"
    assert overrides == Overrides(1000, 15_000, 15_000, 5, frozenset({"5xx", "rt"}))


def test_without_a_fragment_twilio_retries_once_on_connecting() -> None:
    """The documented defaults."""
    assert read_overrides("https://h/v")[1] == Overrides(5000, 15_000, 15_000, 1, frozenset({"ct"}))


@pytest.mark.parametrize(
    ("policy", "status", "error", "again"),
    [
        ("ct", 0, "ct", True),
        ("ct", 0, "rt", False),
        ("ct", 503, "", False),
        ("5xx", 503, "", True),
        ("5xx", 404, "", False),
        ("4xx", 404, "", True),
        ("rt", 0, "rt", True),
        ("all", 404, "", True),
        ("all", 0, "rt", True),
        ("all", 200, "", False),
        ("all", 302, "", False),
    ],
)
def test_the_policy_decides_what_is_tried_again(policy: str, status: int, error: str, again: bool) -> None:
    """An answer below 400 never is."""
    overrides = Overrides(retry_on=frozenset({policy}))

    assert should_retry(overrides, status, error) is again


def record() -> CallRecord:
    return CallRecord("CA1", "+1", "+2", 0.0)


async def test_failed_attempts_are_retried_and_all_on_record() -> None:
    """Two 503, then a document."""
    answers: list[str | tuple[int, str]] = ["<Response/>", (503, ""), (503, "")]

    async with (
        reference_bridge(documents=lambda path, form: answers.pop()) as bridge,
        httpx.AsyncClient(transport=DialTransport(*address(bridge.address))) as client,
    ):
        call = record()
        webhook = await WebhookClient(client, AUTH_TOKEN).ask(
            call, "voice", VOICE_URL + "#rc=2&rp=5xx", {"CallSid": "CA1", "FromCity": ""}
        )

        assert (webhook.status, webhook.attempt) == (200, 3)
        assert [entry.status for entry in call.webhooks] == [503, 503, 200]
        assert all(post.signed for post in bridge.posts)
        assert bridge.posts[0].path == "/voice"


async def test_without_a_policy_for_it_a_503_is_final() -> None:
    """The default retries connections only."""
    async with (
        reference_bridge(documents=lambda path, form: (503, "")) as bridge,
        httpx.AsyncClient(transport=DialTransport(*address(bridge.address))) as client,
    ):
        webhook = await WebhookClient(client, AUTH_TOKEN).ask(record(), "voice", VOICE_URL, {})

        assert webhook.status == 503
        assert len(bridge.posts) == 1


async def test_the_dialled_address_sees_the_public_host() -> None:
    """The simulator is the proxy: Host and signature are the public URL's."""
    async with (
        reference_bridge(documents=lambda path, form: "<Response/>") as bridge,
        httpx.AsyncClient(transport=DialTransport(*address(bridge.address))) as client,
    ):
        await WebhookClient(client, AUTH_TOKEN).ask(record(), "voice", VOICE_URL, {"a": ""})

        [post] = bridge.posts
        assert post.headers["host"] == "demo.trunkline.test"
        assert post.headers["x-forwarded-proto"] == "https"
        assert post.signed
        assert post.form == {"a": ""}


async def test_get_carries_the_fields_in_the_query_and_signs_it() -> None:
    """Params are part of the URL then."""
    async with (
        reference_bridge(documents=lambda path, form: "<Response/>") as bridge,
        httpx.AsyncClient(transport=DialTransport(*address(bridge.address))) as client,
    ):
        await WebhookClient(client, AUTH_TOKEN).ask(
            record(), "redirect", VOICE_URL, {"From": "+1 5", "FromCity": ""}, method="GET"
        )

        [post] = bridge.posts
        assert (post.method, post.form) == ("GET", {"From": "+1 5", "FromCity": ""})
        assert post.signed


async def test_a_closed_port_is_a_connection_error_tried_again() -> None:
    """`ct`, once by default."""
    async with httpx.AsyncClient(transport=DialTransport("127.0.0.1", free_port())) as client:
        call = record()
        webhook = await WebhookClient(client, AUTH_TOKEN).ask(call, "voice", VOICE_URL, {})

        assert webhook.status == 0
        assert "expected a connection" in webhook.error
        assert len(call.webhooks) == 2


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
