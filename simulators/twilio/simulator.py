"""Twilio, as far as one bridge can tell: the entry to the simulator.

Why it exists: a test, the demo and a proof make calls through one object. Owns: the metronome, the HTTP
client and the calls under way. Must not know: the inside of the bridge; it meets it at two places, the voice
webhook and what TwiML names.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.knobs import Knobs
from simulators.twilio.media.connection import Endpoint, MediaSocket
from simulators.twilio.media.playout import Playout
from simulators.twilio.metronome import Metronome
from simulators.twilio.phone_call import PhoneCall, Twilio, new_sid
from simulators.twilio.record import CallRecord, PlanFailed
from simulators.twilio.rest import RestApi
from simulators.twilio.webhooks.sending import DialTransport, WebhookClient

DEMO_ACCOUNT_SID = "AC" + "0" * 31 + "1"


class LiveCall:
    """A call under way. `record` grows while it lasts."""

    def __init__(self, call: PhoneCall, task: asyncio.Task[None]) -> None:
        self._call = call
        self.task = task

    @property
    def call_sid(self) -> str:
        """Twilio's id of the call."""
        return self._call.call_sid

    @property
    def record(self) -> CallRecord:
        """What happened so far."""
        return self._call.record

    def now_ms(self) -> float:
        """Milliseconds since the call began: the clock of its record."""
        return self._call.now_ms()

    def hang_up(self) -> None:
        """The caller hangs up now."""
        self._call.hang_up()

    def update(self, twiml: str) -> None:
        """What a REST update with `Twiml` does: `stop`, the socket closes, this document runs."""
        self._call.update(twiml)

    async def finished(self) -> CallRecord:
        """The record once the call is over. Raises `PlanFailed` where the plan says so.

        Cancelling it only ends the wait: the call goes on.
        """
        await asyncio.shield(self.task)
        if self.record.failures and self._call.plan.stop_at_failure:
            raise PlanFailed(self.record)
        return self.record


class TwilioSimulator:
    """Makes calls to one bridge; an async context manager, which ends them with its block.

    `voice_url` is the number's webhook, fragment included. With `dial` ("host:port") the simulator stands for
    the proxy in front of the bridge as well: all URLs stay public for signatures and Host, all connections go
    plain to that address. `allow_ws` lets TwiML name `ws://`.
    """

    def __init__(
        self,
        *,
        voice_url: str,
        auth_token: str,
        account_sid: str = DEMO_ACCOUNT_SID,
        dial: str | None = None,
        allow_ws: bool = False,
        keep_audio: bool = True,
        tls: ssl.SSLContext | None = None,
        seed: int = 1,
    ) -> None:
        if urlsplit(voice_url).scheme not in ("http", "https"):
            raise ValueError(f"expected an http(s) voice URL, got {voice_url!r}")
        self._dial = None if dial is None else parse_address(dial)
        self._tls = tls
        self._seed = seed
        self.metronome = Metronome()
        self._lingering: set[MediaSocket] = set()
        self._calls: dict[asyncio.Task[None], PhoneCall] = {}
        transport = (
            httpx.AsyncHTTPTransport(
                verify=tls if tls is not None else True, limits=httpx.Limits(max_connections=256)
            )
            if self._dial is None
            else DialTransport(*self._dial)
        )
        self._client = httpx.AsyncClient(transport=transport)
        self.rest = RestApi(account_sid, auth_token, self._find)
        """Its REST API, once it is opened."""
        self._twilio = Twilio(
            voice_url=voice_url,
            auth_token=auth_token,
            account_sid=account_sid,
            webhooks=WebhookClient(self._client, auth_token),
            endpoint_of=self._endpoint_of,
            allow_ws=allow_ws,
            keep_audio=keep_audio,
            lingering=self._lingering,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call at once and lets go of every connection.

        Cancelled, it may leave connections open; it can be called again.
        """
        tasks = list(self._calls)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for media_socket in self._lingering:
            media_socket.abort()
        self._lingering.clear()
        await self.rest.close()
        await self._client.aclose()

    @property
    def live_calls(self) -> int:
        """Calls under way."""
        return len(self._calls)

    def start_call(
        self, plan: CallPlan, knobs: Knobs | None = None, *, call_sid: str | None = None
    ) -> LiveCall:
        """Begins a call and returns at once."""
        self._seed += 1
        knobs = Knobs() if knobs is None else knobs
        if knobs.seed is None:
            knobs = replace(knobs, seed=self._seed)
        record = CallRecord(
            call_sid=call_sid or new_sid("CA"),
            from_number=plan.from_number,
            to_number=plan.to_number,
            zero_ms=time.monotonic() * 1000,
            playout=Playout(keep_audio=self._twilio.keep_audio),
        )
        call = PhoneCall(self._twilio, plan, knobs, record)
        task = asyncio.create_task(self._run(call), name=f"call {record.call_sid}")
        self._calls[task] = call
        task.add_done_callback(self._forget)
        return LiveCall(call, task)

    async def call(self, plan: CallPlan, knobs: Knobs | None = None) -> CallRecord:
        """One whole call. Raises `PlanFailed` (its `record` tells the story) if a step fails.

        Cancelling it leaves the call running until the simulator is closed.
        """
        return await self.start_call(plan, knobs).finished()

    # Private.

    async def _run(self, call: PhoneCall) -> None:
        self.metronome.join(call.line)
        try:
            await call.run()
        finally:
            self.metronome.leave(call.line)

    def _find(self, call_sid: str) -> PhoneCall | None:
        return next((call for call in self._calls.values() if call.call_sid == call_sid), None)

    def _forget(self, task: asyncio.Task[None]) -> None:
        call = self._calls.pop(task, None)
        if call is not None:
            self.rest.call_over(call.call_sid)

    def _endpoint_of(self, url: str) -> Endpoint:
        parts = urlsplit(url)
        name = parts.hostname or ""
        if self._dial is not None:
            return Endpoint(self._dial[0], self._dial[1], None, name)
        if parts.scheme == "ws":
            return Endpoint(name, parts.port or 80, None, name)
        tls = self._tls if self._tls is not None else ssl.create_default_context()
        return Endpoint(name, parts.port or 443, tls, name)


def asking_for(voice_url: str, agent: str) -> str:
    """The voice webhook that asks for an agent by name; as it was for an empty one."""
    if not agent:
        return voice_url
    parts = urlsplit(voice_url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}agent={quote(agent, safe='')}"))


def parse_address(text: str) -> tuple[str, int]:
    """("host", port) from "host:port". Raises `ValueError` with what it was told instead."""
    host, found, port = text.rpartition(":")
    if not found or not host or not port.isdigit():
        raise ValueError(f"expected host:port, got {text!r}")
    return host.strip("[]"), int(port)
