"""HTTP endpoints as tools: signed, bounded, tried again where that is safe."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace

import httpx
import orjson
import pytest

from brain.tools import http
from brain.tools.http import MAX_ANSWER_BYTES, HttpPool, HttpTool
from brain.tools.toolbox import Toolbox, ToolContext
from brain.trust_store import for_requests

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550002222", agent="sales")


def tool(
    answer: Callable[[httpx.Request], httpx.Response], **more: object
) -> tuple[HttpTool, list[httpx.Request]]:
    """A tool whose endpoint answers so, and what it was asked."""
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    pool = HttpPool(httpx.MockTransport(take))
    keys: dict[str, object] = {
        "url": "https://shop.example/stock",
        "parameters": {"type": "object"},
        "pool": pool,
        **more,
    }
    made = HttpTool(name="stock", description="Look it up.", **keys)  # type: ignore[arg-type]
    return made, asked


async def run(made: HttpTool, arguments: str = '{"model": "city"}', limit_s: float = 5.0) -> tuple[str, str]:
    result = await Toolbox.of([made], limit_s).run("stock", arguments, CONTEXT, "call_7")
    return result.outcome, result.output


async def test_the_answer_goes_to_the_model_as_it_is() -> None:
    """JSON in, anything out; the request says which call it is for."""
    made, asked = tool(lambda _: httpx.Response(200, text='{"left": 3}'), secret="s")

    assert await run(made) == ("ok", '{"left": 3}')
    (request,) = asked
    body = orjson.loads(request.content)
    assert (body["arguments"], body["call"]["agent"]) == ({"model": "city"}, "sales")
    assert request.headers["idempotency-key"] == "call_7"
    assert request.headers["webhook-signature"].startswith("v1,")


async def test_a_busy_endpoint_is_asked_again() -> None:
    """429 and 503 say that nothing was done."""
    answers = [httpx.Response(503), httpx.Response(200, text="3")]
    made, asked = tool(lambda _: answers.pop(0), retries=1)

    assert await run(made) == ("ok", "3")
    assert len(asked) == 2


async def test_a_failure_is_told_and_not_repeated() -> None:
    """500: it may have done its work. The model hears the status, not the body."""
    made, asked = tool(lambda _: httpx.Response(500, text="stack trace"), retries=3)

    assert await run(made) == ("failed", '{"error":"the tool answered HTTP 500"}')
    assert len(asked) == 1


async def test_an_endpoint_that_cannot_be_reached_is_told_so() -> None:
    """After the retries."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    made, asked = tool(refuse, retries=1)

    assert await run(made) == ("failed", '{"error":"shop.example cannot be reached"}')
    assert len(asked) == 2


async def test_an_endless_answer_is_cut_off() -> None:
    """It would crowd out the conversation."""
    made, _ = tool(lambda _: httpx.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 1)))

    outcome, output = await run(made)

    assert (outcome, "more than" in output) == ("failed", True)


async def test_arguments_that_are_no_json_are_refused_before_anything_is_sent() -> None:
    """The model hears what was expected."""
    made, asked = tool(lambda _: httpx.Response(200))

    outcome, output = await run(made, "{not json")

    assert (outcome, asked) == ("bad_arguments", [])
    assert "expected a JSON object" in output


async def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    """By the schema that the model was given, in all its depth; what came is not repeated."""
    schema = {
        "type": "object",
        "properties": {"model": {"type": "string"}, "sizes": {"type": "array", "items": {"enum": [26, 28]}}},
        "required": ["model"],
        "additionalProperties": False,
    }
    made, asked = tool(lambda _: httpx.Response(200), parameters=schema)

    outcome, output = await run(made, '{"sizes": [26, "card 4242"], "price": "card 4242"}')

    assert (outcome, asked) == ("bad_arguments", [])
    error = orjson.loads(output)["error"]
    for expected in (
        'sizes.1: expected "enum":[26,28]',
        'expected "required":["model"]',
        "additionalProperties",
    ):
        assert expected in error
    assert "4242" not in output


async def test_a_schema_fetches_nothing() -> None:
    """Not even what it names: the tool fails instead."""
    made, asked = tool(lambda _: httpx.Response(200), parameters={"$ref": "http://127.0.0.1:9/schema"})

    assert (await run(made))[0] == "failed"
    assert asked == []


async def test_a_redirect_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is signed for one address goes to no other. Over a real socket, by the tool's own client, which
    reads no trust store: that would stop every call of the process for a tenth of a second."""
    for_requests()
    monkeypatch.setattr(ssl, "create_default_context", None)
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        made = HttpTool(
            name="stock", description="", url=f"http://127.0.0.1:{port}/stock", parameters={"type": "object"}
        )
        assert await run(made) == ("failed", '{"error":"the tool answered HTTP 302"}')
        await made.pool.close()

    assert asked == [b"POST /stock HTTP/1.1\r\n"]


async def test_a_hanging_endpoint_meets_the_time_limit() -> None:
    """Its own, or the agent's if that is shorter."""

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    made = HttpTool(
        name="stock", description="", url="https://x.example", parameters={},
        time_limit_s=9.0, pool=HttpPool(Hanging()),
    )  # fmt: skip

    assert await run(made, limit_s=0.05) == ("timed_out", '{"error":"the tool did not answer within 0.05 s"}')


async def test_all_tools_of_a_process_share_their_connections() -> None:
    """Two tools, three runs, one connection: a handshake would cost more than the answer. No cookie passes
    from one caller's run to the next."""
    peers: list[object] = []
    cookies: list[bytes] = []
    closed = asyncio.Event()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername"))
        with contextlib.suppress(asyncio.IncompleteReadError):  # The other side has closed it.
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
                await reader.readexactly(length)
                cookies.extend(re.findall(rb"(?i)cookie: .*", head))
                writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: who=ada\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    pool = HttpPool()
    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        one, two = (
            HttpTool(name="stock", description=name, url=url, parameters={"type": "object"}, pool=pool)
            for name in "ab"
        )
        for made in (one, two, one):
            assert await run(made) == ("ok", "{}")
        await pool.close()
        await asyncio.wait_for(closed.wait(), 5)

    assert (len(peers), cookies) == (1, [])


async def test_the_trust_store_is_not_read_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """That would stop every call of the process for a tenth of a second."""
    readers: list[threading.Thread] = []

    def read() -> ssl.SSLContext:
        readers.append(threading.current_thread())
        return for_requests()

    monkeypatch.setattr(http, "for_requests", read)
    pool = HttpPool()
    first, second = await asyncio.gather(pool.client(), pool.client())
    await pool.close()

    assert first is second
    assert threading.main_thread() not in readers


async def test_a_get_has_its_arguments_in_the_url() -> None:
    """Behind what stands there; lists are repeated, what is not known is left out, and nothing has a body."""
    made, asked = tool(
        lambda _: httpx.Response(200, text="3"),
        method="GET",
        url="https://shop.example/stock?shop=7",
        secret="s",
    )

    arguments = '{"model": "city & co", "sizes": [26, 28], "used": true, "colour": null}'
    assert await run(made, arguments) == ("ok", "3")
    (request,) = asked
    assert request.method == "GET"
    assert str(request.url) == (
        "https://shop.example/stock?shop=7&model=city+%26+co&sizes=26&sizes=28&used=true"
    )
    assert (request.content, request.headers["x-call-sid"]) == (b"", CONTEXT.call_sid)
    assert request.headers["webhook-signature"].startswith("v1,")
    assert "content-type" not in request.headers


async def test_too_long_a_get_is_told_before_anything_is_sent() -> None:
    """Servers cut it off, each at another place."""
    made, asked = tool(lambda _: httpx.Response(200), method="GET")

    outcome, output = await run(made, orjson.dumps({"text": "x" * 7_000}).decode())

    assert (outcome, asked) == ("failed", [])
    assert "too long for a GET" in output


async def test_headers_are_the_tools_own() -> None:
    """Secrets among them, which do not show; those of the request itself come last."""
    made, asked = tool(
        lambda _: httpx.Response(200),
        headers={"X-Shop": "7"},
        hidden_headers={"Authorization": "Bearer hunter2"},
    )

    await run(made)

    (request,) = asked
    assert (request.headers["x-shop"], request.headers["authorization"]) == ("7", "Bearer hunter2")
    assert request.headers["content-type"] == "application/json"
    assert "hunter2" not in repr(made)


async def test_what_is_known_of_the_call_stands_in_url_headers_and_body() -> None:
    """Each escaped for its place: no value adds a part to a URL, or a header."""
    made, asked = tool(
        lambda _: httpx.Response(200), url="https://shop.example/{{customer}}/orders?from={{caller}}",
        headers={"X-Name": "{{name}}"},
    )  # fmt: skip
    known = replace(CONTEXT, variables={"customer": "../admin?x=1#", "name": "Ann\r\nX-Admin: 1 å"})

    result = await Toolbox.of([made], 5.0).run("stock", "{}", known, "call_7")

    assert result.outcome == "ok"
    (request,) = asked
    assert request.url.raw_path == b"/..%2Fadmin%3Fx%3D1%23/orders?from=%E2%80%A611"
    assert request.headers["x-name"] == "Ann X-Admin: 1 %C3%A5"
    assert orjson.loads(request.content)["variables"] == known.variables


async def test_the_words_of_a_refusal_go_to_the_model() -> None:
    """They say what to do about it; of a 5xx nothing does."""
    words = "No such order.\nAsk for the number on the invoice."
    made, asked = tool(lambda _: httpx.Response(404, text=words), retries=3)

    outcome, output = await run(made)

    assert outcome == "failed"
    assert orjson.loads(output)["error"] == (
        "the tool answered HTTP 404: No such order. Ask for the number on the invoice."
    )
    assert len(asked) == 1


@pytest.mark.parametrize(("status", "said"), [(400, "x" * 1_000), (422, ""), (500, "")])
async def test_a_refusal_has_an_end(status: int, said: str) -> None:
    """And may say nothing."""
    made, _ = tool(lambda _: httpx.Response(status, text="x" * 5_000 if status == 400 else ""))

    _, output = await run(made)

    assert orjson.loads(output)["error"] == f"the tool answered HTTP {status}{': ' + said if said else ''}"


async def test_a_proxy_is_the_way_out_but_to_this_host() -> None:
    """Where nothing else is let out; what runs beside us is asked straight."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        await reader.readuntil(b"\r\n\r\n")
        if asked[-1].startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n3")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pool = HttpPool(proxy=here)
        far, near = (
            HttpTool(name="stock", description="", url=url, parameters={}, pool=pool, retries=0, method="GET")
            for url in ("https://shop.example/stock", f"{here}/stock")
        )
        assert (await run(far))[0] == "failed"
        assert await run(near) == ("ok", "3")
        await pool.close()

    assert asked == [b"CONNECT shop.example:443 HTTP/1.1\r\n", b"GET /stock?model=city HTTP/1.1\r\n"]
