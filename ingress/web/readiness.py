"""`GET /readyz` on the public port: whether new calls should come to this host. For the proxy in front.

Why it exists: the admin ports are on loopback, so a proxy on another machine cannot ask there, and what it
must know is whether *a connection to the public port* is served well. All ingress processes of a host share
that port; one that drains leaves it to its sibling, and says no if it has none.

On a Cluster a host that can serve most calls says yes: whose lane is away is told so, here as anywhere.

It says no more than yes or no: the reason, which may name hosts, stays on the admin port. Owns: that answer.
Must not know: what the role does. deploy/haproxy.cfg lets nobody ask it from outside.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.process.role import Process


def readiness_route(process: Process, not_ready: Callable[[], str]) -> Route:
    """`not_ready` is the role's own reason, empty when it is ready."""

    async def readyz(_request: Request) -> Response:
        has_redis = bool(process.redis_version) and process.most_away_since_ms is None
        if process.draining or not has_redis or not_ready():
            return PlainTextResponse("not ready\n", 503)
        return PlainTextResponse("ready\n")

    return Route("/readyz", readyz, methods=["GET"])
