"""The admin port, by HTTP: alive, ready, and what the process counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from shared.figures.counters import DeclaredCounters
from shared.ownership.liveness import WorkerStanding, WorkerState
from shared.process.admin import admin_listener, make_admin_server
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

STANDINGS = [WorkerStanding("brain-1@h#a", WorkerState.BEATING, 250.0)]


@dataclass(slots=True)
class Sample:
    calls: int = 3
    """Calls counted."""


async def test_alive_ready_and_counted() -> None:
    """Alive whatever is wrong; ready without a reason against it; each figure as Prometheus reads it; how the
    neighbours stand."""
    port, reasons, metrics = free_port(), ["waiting for Redis"], DeclaredCounters()
    metrics.add("sample", Sample())
    server = make_admin_server(port, lambda: reasons[0], lambda: STANDINGS, metrics.registry())
    async with running(server.serve(sockets=[admin_listener(port)])) as (serving,):
        await wait_until(lambda: server.started, "the port is open")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            assert (await http.get("/healthz")).text == "ok\n"
            refused = await http.get("/readyz")
            assert (refused.status_code, refused.text) == (503, "not ready: waiting for Redis\n")
            reasons[0] = ""
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.text) == (200, "ready\n")
            assert "trunkline_sample_calls_total 3.0" in (await http.get("/metrics")).text
            assert (await http.get("/neighbours")).json() == [
                {"worker": "brain-1@h#a", "state": "beating", "silent_ms": 250.0}
            ]
        server.end()
        await asyncio.wait_for(serving, 5)
