"""HTTP endpoints as tools: signed, bounded, tried again where that is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import orjson

from brain.http_tools import MAX_ANSWER_BYTES, HttpTool
from brain.tools import Toolbox, ToolContext

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550002222", agent="sales")


def tool(
    answer: Callable[[httpx.Request], httpx.Response], **more: object
) -> tuple[HttpTool, list[httpx.Request]]:
    """A tool whose endpoint answers so, and what it was asked."""
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(take))
    made = HttpTool(
        name="stock", description="Look it up.", url="https://shop.example/stock",
        parameters={"type": "object"}, client=client, **more,  # type: ignore[arg-type]
    )  # fmt: skip
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


async def test_a_hanging_endpoint_meets_the_time_limit() -> None:
    """Its own, or the agent's if that is shorter."""

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    made = HttpTool(
        name="stock", description="", url="https://x.example", parameters={},
        time_limit_s=9.0, client=httpx.AsyncClient(transport=Hanging()),
    )  # fmt: skip

    assert await run(made, limit_s=0.05) == ("timed_out", '{"error":"the tool did not answer within 0.05 s"}')
