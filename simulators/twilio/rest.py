"""Twilio's REST API as far as a live call goes: `POST …/Calls/{sid}.json` with Url, Twiml or Status.

Why it exists: a bridge has a call that hangs at a dead host go on elsewhere by it, and must be right about
what it is answered. Owns: the server, the account's credentials, which call is known, in progress or over,
the faults. Must not know: how a call goes on; that is `phone_call`'s.

As strict as Twilio: another account or token is refused (20003), a SID that never was is not found (20404),
nor is a path of another shape; a call that is not in progress cannot be redirected (21220, or 20404 by a
knob: both are seen). Source: Twilio, "Update a Call resource", "Twilio's response"; error pages 20003, 20404,
20429, 21205, 21220.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from typing import Final, Literal, Protocol, cast
from urllib.parse import parse_qs, urlsplit

_PATH: Final = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Calls/(CA[0-9a-f]{32})\.json")
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_BODY_BYTES: Final = 64 * 1024
_OVER_MOST: Final = 10_000
_REQUEST_LIMIT_S: Final = 5.0


class UpdatedCall(Protocol):
    """What the API needs of a call."""

    @property
    def is_in_progress(self) -> bool: ...

    def update(self, document: str) -> None: ...

    def redirect(self, url: str, method: str = "POST", fallback_url: str = "") -> None: ...

    def hang_up(self, reason: str = ...) -> None: ...


@dataclass(slots=True, kw_only=True)
class RestFaults:
    """What the API does instead. Declared, and changed while it runs."""

    failures: int = 0
    """So many requests from now on fail with `status`."""
    status: int = 503
    retry_after_s: int | None = None
    """Told with a failure."""
    delay_ms: float = 0.0
    """Each answer comes this late, what is asked for as late."""
    lost_answers: int = 0
    """So many requests from now on are carried out, and their connection closes without an answer."""
    over: Literal["not_in_progress", "not_found"] = "not_in_progress"
    """How a call that is over is told: 400 with 21220, or 404 with 20404."""


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes
    at_s: float
    """By the loop's clock."""

    @property
    def form(self) -> dict[str, str]:
        """Its fields; of one that stands there twice the last."""
        return {
            name: values[-1]
            for name, values in parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True).items()
        }


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """One answer. `retry_after_s` is a header."""

    status: int
    body: dict[str, object]
    retry_after_s: int | None = None

    @property
    def code(self) -> object:
        """Twilio's error code; None without one."""
        return self.body.get("code")


@dataclass(slots=True)
class RestApi:
    """The API of one account. `find`: the call of a SID, while it is under way."""

    account_sid: str
    auth_token: str = field(repr=False)
    find: Callable[[str], UpdatedCall | None]
    faults: RestFaults = field(default_factory=RestFaults)
    requests: list[RestRequest] = field(default_factory=list)
    """All that came, refused ones too."""
    answers: list[RestAnswer] = field(default_factory=list)
    url: str = ""
    """Where it listens, once it is open."""
    _over: deque[str] = field(default_factory=lambda: deque(maxlen=_OVER_MOST))
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    """One a connection, until it is closed."""

    async def open(self, port: int = 0) -> str:
        """Listens on 127.0.0.1; returns its origin. Cancelling it is safe."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self.url

    async def close(self) -> None:
        """Listens no more. Cancelling it is safe."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()  # It waits for no connection (Python 3.11).
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def call_over(self, call_sid: str) -> None:
        """A call has ended: it is known, and not in progress."""
        self._over.append(call_sid)

    def answer(self, request: RestRequest) -> RestAnswer:
        """Judges a request and carries it out."""
        faults = self.faults
        if faults.failures > 0:
            faults.failures -= 1
            code = 20429 if faults.status == HTTPStatus.TOO_MANY_REQUESTS else 20500
            return _error(faults.status, code, "a knob", faults.retry_after_s)
        if not self._is_authentic(request.headers.get("authorization", "")):
            return _error(401, 20003, "Authenticate")
        found = _PATH.fullmatch(request.path)
        if found is None or found[1] != self.account_sid:
            return _not_found(request.path)
        if request.method != "POST":
            return _error(405, 20004, "Method not allowed")
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
            return _error(415, 20415, "Unsupported media type")
        call_sid = found[2]
        call = self.find(call_sid)
        if call is None and call_sid not in self._over:
            return _not_found(request.path)
        if call is None or not call.is_in_progress:
            if faults.over == "not_found":
                return _not_found(request.path)
            return _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        return self._update(call, call_sid, request.form)

    # Private.

    def _update(self, call: UpdatedCall, call_sid: str, form: dict[str, str]) -> RestAnswer:
        url, document, status = form.get("Url", ""), form.get("Twiml", ""), form.get("Status", "")
        method = form.get("Method", "POST")
        if status and status not in ("completed", "canceled"):
            return _error(400, 21218, "Status is not valid")
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            return _error(400, 21205, "Url is not a valid URL")
        if method not in ("GET", "POST"):
            return _error(400, 21403, "Method is not valid")
        if url:  # Of Url and Twiml, Url wins.
            call.redirect(url, method, form.get("FallbackUrl", ""))
        elif document:
            call.update(document)
        elif status:
            call.hang_up("rest_completed")
        else:
            return _error(400, 21213, "Url, Twiml or Status is required")
        shown = "completed" if status and not url and not document else "in-progress"
        return RestAnswer(200, {"sid": call_sid, "account_sid": self.account_sid, "status": shown})

    def _is_authentic(self, header: str) -> bool:
        kind, _, given = header.partition(" ")
        wanted = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        return kind.lower() == "basic" and compare_digest(given.strip().encode(), wanted.encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving.add(task)
        try:
            await self._answer_one(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._serving.discard(task)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        try:
            async with asyncio.timeout(_REQUEST_LIMIT_S):
                request = await _read(reader)
            self.requests.append(request)
            if self.faults.delay_ms:
                await asyncio.sleep(self.faults.delay_ms / 1000)
            answer = self.answer(request)
            self.answers.append(answer)
            if self.faults.lost_answers > 0:
                self.faults.lost_answers -= 1
                return
            writer.write(_written(answer))
            await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # whoever asked has gone, or has spoken no HTTP


async def _read(reader: asyncio.StreamReader) -> RestRequest:
    """Raises ValueError for what is no request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MAX_BODY_BYTES:
        raise ValueError(f"expected at most {_MAX_BODY_BYTES} bytes, got {length}")
    body = await reader.readexactly(length)
    return RestRequest(method, target, headers, body, asyncio.get_running_loop().time())


def _written(answer: RestAnswer) -> bytes:
    body = json.dumps(answer.body).encode()
    lines = [
        f"HTTP/1.1 {answer.status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if answer.retry_after_s is not None:
        lines.append(f"Retry-After: {answer.retry_after_s}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _error(status: int, code: int, text: str, retry_after_s: int | None = None) -> RestAnswer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return RestAnswer(
        status, {"code": code, "message": text, "more_info": more, "status": status}, retry_after_s
    )


def _not_found(path: str) -> RestAnswer:
    return _error(404, 20404, f"The requested resource {path} was not found")
