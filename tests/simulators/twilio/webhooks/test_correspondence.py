"""The requests of one call, answered by a web server that lives in the test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.knobs import Knobs
from simulators.twilio.record import CallRecord, MediaStream
from simulators.twilio.webhooks.correspondence import Correspondence
from simulators.twilio.webhooks.sending import WebhookClient
from simulators.twilio.webhooks.twiml import ConnectStream

STREAM = MediaStream(1, "MZ1", "wss://host/media", {}, 0.0)


@dataclass
class Server:
    """Answers everything with 200 and keeps the forms."""

    forms: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        return httpx.Response(200, text="<Response/>")


def correspondence(server: Server, knobs: Knobs | None = None, **plan: Any) -> Correspondence:
    client = httpx.AsyncClient(transport=httpx.MockTransport(server.answer))
    return Correspondence(
        WebhookClient(client, "token"),
        "AC1",
        CallPlan([], **plan),
        knobs or Knobs(),
        CallRecord("CA1", "+15550001111", "+15550002222", 0.0),
    )


async def test_a_document_is_asked_for_with_the_calls_fields() -> None:
    """Those of the plan override the usual ones, those of the verb both."""
    server = Server()
    mail = correspondence(server, extra={"CalledCity": "Haifa", "DialCallStatus": "x"})
    webhook = await mail.ask("voice", "https://host/voice", "POST", "ringing", {"DialCallStatus": "busy"})

    assert (webhook.status, webhook.body) == (200, "<Response/>")
    [form] = server.forms
    assert (form["CallSid"], form["CallStatus"], form["From"]) == ("CA1", "ringing", "+15550001111")
    assert (form["CalledCity"], form["DialCallStatus"]) == ("Haifa", "busy")
    assert mail.record.webhooks == [webhook]


async def test_a_streams_status_goes_where_the_twiml_said() -> None:
    """And nowhere if it said nothing."""
    server = Server()
    mail = correspondence(server)
    mail.post_stream_status(ConnectStream("wss://host/media"), STREAM, "stream-started")
    told = ConnectStream("wss://host/media", status_callback="https://host/stream-status")
    mail.post_stream_status(told, STREAM, "stream-error", "it broke")
    await mail.settle()

    assert server.paths == ["/stream-status"]
    [form] = server.forms
    assert (form["StreamEvent"], form["StreamSid"], form["StreamError"]) == (
        "stream-error",
        "MZ1",
        "it broke",
    )


async def test_the_end_of_the_call_is_posted_where_the_plan_says() -> None:
    """Twice where a knob says so; `settle` waits for all of them."""
    server = Server()
    await correspondence(server).settle()
    mail = correspondence(server, Knobs(duplicate_status=True), status_callback="https://host/call-status")
    mail.post_call_status("completed", 61)
    assert server.forms == []
    await mail.settle()

    assert server.paths == ["/call-status"] * 2
    assert (server.forms[0]["CallDuration"], server.forms[0]["Duration"]) == ("61", "2")
    assert [webhook.purpose for webhook in mail.record.webhooks] == ["call_status"] * 2


async def test_what_is_still_on_its_way_can_be_broken_off() -> None:
    """A simulator that closes leaves no request behind."""
    server = Server()
    knobs = Knobs(status_delay_ms=60_000)
    mail = correspondence(server, knobs, status_callback="https://host/call-status")
    mail.post_call_status("completed", 1)
    await asyncio.sleep(0)
    mail.drop()
    await asyncio.gather(mail.settle(), return_exceptions=True)

    assert server.paths == []
