"""`/readyz` on the public port: what a proxy on another machine may know."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from ingress.web.readiness import readiness_route
from tests.ingress.harness import Ingress, ingress, tags, voice_form
from tests.shared.store.writing.test_outbox_refused import refused, refusing
from tests.support.waiting import wait_until


async def asked(bridge: Ingress) -> tuple[int, str]:
    answer = await bridge.http.get("/readyz")
    return answer.status_code, answer.text


async def test_ready_with_redis_only(bridge: Ingress) -> None:
    """Before Redis has been entered a caller would hear an apology: another host may do better."""
    bridge.process.redis_version = ""
    assert await asked(bridge) == (503, "not ready\n")
    bridge.process.redis_version = "8.0"
    assert await asked(bridge) == (200, "ready\n")


async def test_not_while_redis_refuses_writes(bridge: Ingress, valkey_url: str) -> None:
    """It is there, and a new call could not be attached."""
    bridge.process.redis_version = "8.0"
    caller = await bridge.live()
    with refusing(valkey_url, "OOM"):
        await caller.media()
        await refused(bridge.process.outbox, "OOM")
        assert await asked(bridge) == (503, "not ready\n")
        answer = await bridge.post("/voice", voice_form(1))
        assert tags(answer.text)[0] == "Say"
    await wait_until(lambda: bridge.process.outbox.away_since_ms is None, "writes are taken again")
    assert await asked(bridge) == (200, "ready\n")


async def test_not_while_it_drains(bridge: Ingress) -> None:
    """On a connection that was open before; there are no new ones."""
    bridge.process.redis_version = "8.0"
    bridge.process.draining = True
    assert await asked(bridge) == (503, "not ready\n")


async def test_no_reason_is_told(bridge: Ingress) -> None:
    """It may name hosts; the admin port tells it."""
    bridge.process.redis_version = "8.0"
    app = Starlette(routes=[readiness_route(bridge.process, lambda: "a-secret-host is away")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")


async def test_a_host_that_can_serve_most_calls_stays_in(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Cluster one master that is away is the trouble of its lanes: taking all hosts out would add to
    it."""
    away: dict[int, float] = {}
    async with ingress(valkey_url, lanes=3) as bridge:
        bridge.process.redis_version = "8.0"
        monkeypatch.setattr(type(bridge.process.outbox), "lane_away_since_ms", lambda _, lane: away.get(lane))
        away[1] = 1.0
        assert await asked(bridge) == (200, "ready\n")
        away[2] = 2.0
        assert await asked(bridge) == (503, "not ready\n")
        away.clear()
