"""The REST API of the simulated Twilio: who may ask, for which call, and what the call does then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from simulators.twilio import FAST, CallPlan, Knobs, LiveCall, TwilioSimulator, WaitForEnd
from tests.simulators.twilio.calls import simulator
from tests.simulators.twilio.reference_bridge import (
    AUTH_TOKEN,
    HOST,
    Documents,
    ReferenceBridge,
    listen,
    reference_bridge,
    stream_document,
)
from tests.support.waiting import wait_until

MOVED = f"https://{HOST}/moved"


def documents(path: str, form: dict[str, str]) -> str:
    """A stream at first, and again where the call is moved to."""
    return stream_document() if path in ("/voice", "/moved") else "<Response><Hangup/></Response>"


@dataclass
class Phone:
    """A live call, the API, the bridge."""

    twilio: TwilioSimulator
    bridge: ReferenceBridge
    live: LiveCall
    http: httpx.AsyncClient

    @property
    def path(self) -> str:
        return f"/2010-04-01/Accounts/{self.twilio.rest.account_sid}/Calls/{self.live.call_sid}.json"

    async def post(self, path: str = "", *, token: str = AUTH_TOKEN, **form: str) -> httpx.Response:
        auth = (self.twilio.rest.account_sid, token)
        return await self.http.post(path or self.path, data=form, auth=auth)

    async def streams(self, count: int) -> None:
        await wait_until(
            lambda: len([s for s in self.live.record.streams if s.started_at_ms is not None]) == count,
            f"{count} streams have started",
        )


@asynccontextmanager
async def phone(documents: Documents = documents, **knobs: float) -> AsyncIterator[Phone]:
    async with reference_bridge(listen, documents) as bridge, simulator(bridge) as twilio:
        origin = await twilio.rest.open()
        live = twilio.start_call(
            CallPlan([WaitForEnd()], stop_at_failure=False),
            Knobs(pace=FAST, **knobs),  # type: ignore[arg-type]
        )
        async with httpx.AsyncClient(base_url=origin, trust_env=False) as http:
            made = Phone(twilio, bridge, live, http)
            await made.streams(1)
            yield made


async def test_a_url_replaces_what_runs() -> None:
    """The stream gets `stop` and closes, the URL is asked for by a signed webhook, its document runs."""
    async with phone() as made:
        answer = await made.post(Url=MOVED, Method="POST")
        assert answer.status_code == 200
        assert answer.json()["status"] == "in-progress"
        await made.streams(2)
        [post] = made.bridge.posts_to("/moved")
        assert post.signed
        assert post.form["CallStatus"] == "in-progress"
        assert made.bridge.posts_to("/voice/resume") == [], "what ran is forgotten"
        assert made.bridge.sockets[0].messages[-1]["event"] == "stop"
        assert made.live.record.streams[0].end == "call_updated"


async def test_a_host_that_vanished_is_left_by_a_url_only() -> None:
    """Until then the call hangs there, and the bridge gets not one byte more, not even a FIN."""
    async with phone(vanish_at_ms=50) as made:
        await wait_until(lambda: bool(made.bridge.sockets[0].of("media")), "media flow")
        frames = made.live.record.streams[0].frames_sent
        await wait_until(lambda: made.live.record.streams[0].frames_sent > frames + 10, "time passes")
        seen = len(made.bridge.sockets[0].messages)
        assert made.live.record.streams[0].end == "open"
        assert (await made.post(Url=MOVED)).status_code == 200
        await made.streams(2)
        assert len(made.bridge.sockets[0].messages) == seen
        assert not made.bridge.sockets[0].closed.is_set()


async def test_the_fallback_of_a_url_that_fails() -> None:
    """It is asked where the update said so."""

    def failing(path: str, form: dict[str, str]) -> str | tuple[int, str]:
        return (500, "") if path == "/moved" else documents(path, form)

    async with phone(failing) as made:
        await made.post(Url=MOVED, FallbackUrl=f"https://{HOST}/fallback")
        record = await made.live.finished()
        asked = [post.path for post in made.bridge.posts if post.path != "/stream-status"]
        assert asked == ["/voice", "/moved", "/fallback"]
        assert record.end_reason == "bridge_hung_up"


async def test_a_document_and_an_end() -> None:
    """`Twiml` runs as it stands; `Status=completed` ends the call."""
    async with phone() as made:
        await made.post(Twiml=stream_document())
        await made.streams(2)
        assert (await made.post(Status="completed")).json()["status"] == "completed"
        assert (await made.live.finished()).end_reason == "rest_completed"


async def test_who_may_ask_and_for_what() -> None:
    """Strictly by account, token, path, method and form."""
    async with phone() as made:
        unknown = made.path.replace(made.live.call_sid, "CA" + "f" * 32)
        foreign = made.path.replace(made.twilio.rest.account_sid, "AC" + "f" * 32)
        cases = [
            (await made.post(token="wrong", Url=MOVED), 401, 20003),
            (await made.post(unknown, Url=MOVED), 404, 20404),
            (await made.post(foreign, Url=MOVED), 404, 20404),
            (await made.post("/2010-04-01/Calls.json", Url=MOVED), 404, 20404),
            (await made.post(Url="/relative"), 400, 21205),
            (await made.post(Url=MOVED, Method="PUT"), 400, 21403),
            (await made.post(Status="ringing"), 400, 21218),
            (await made.post(Other="1"), 400, 21213),
        ]
        for answer, status, code in cases:
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.request.url
        auth = (made.twilio.rest.account_sid, AUTH_TOKEN)
        assert (await made.http.post(made.path, json={"Url": MOVED}, auth=auth)).status_code == 415
        assert (await made.http.get(made.path, auth=auth)).status_code == 405
        assert len(made.live.record.streams) == 1


@pytest.mark.parametrize(
    ("over", "expected"), [("not_in_progress", (400, 21220)), ("not_found", (404, 20404))]
)
async def test_a_call_that_is_over(over: str, expected: tuple[int, int]) -> None:
    """It cannot go on; both of Twilio's ways to say so."""
    async with phone() as made:
        made.twilio.rest.faults.over = over  # type: ignore[assignment]
        made.live.hang_up()
        await made.live.finished()
        answer = await made.post(Url=MOVED)
        assert (answer.status_code, answer.json()["code"]) == expected


async def test_faults() -> None:
    """Failures with a time to come again; an answer that is lost although the call was moved."""
    async with phone() as made:
        faults = made.twilio.rest.faults
        faults.failures, faults.status, faults.retry_after_s = 1, 429, 7
        answer = await made.post(Url=MOVED)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        faults.lost_answers = 1
        with pytest.raises(httpx.RemoteProtocolError):
            await made.post(Url=MOVED)
        await made.streams(2)
        assert (await made.post(Url=MOVED)).status_code == 200
        assert len(made.twilio.rest.requests) == 3


async def test_its_end_closes_what_is_connected() -> None:
    """Also who has asked for nothing yet, and who waits for an answer."""
    async with phone() as made:
        made.twilio.rest.faults.delay_ms = 60_000
        host, port = made.http.base_url.host, made.http.base_url.port
        connections = [await asyncio.open_connection(host, port) for _ in range(2)]
        asked = len(made.twilio.rest.requests)
        connections[1][1].write(b"GET / HTTP/1.1\r\n\r\n")
        await wait_until(lambda: len(made.twilio.rest.requests) == asked + 1, "one has asked")
        await made.twilio.rest.close()
        for reader, writer in connections:
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
