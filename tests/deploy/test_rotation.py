"""Logs are rotated by supervisord while ingress writes them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from ingress.web.signature import Signatures
from tests.support.deployment import AUTH_TOKEN, PUBLIC_URL, deployment
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(90), pytest.mark.xdist_group("deploy")]


async def test_logs_rotate(tmp_path: Path) -> None:
    """At stdout_logfile_maxbytes the file moves to .1, .2 …; the oldest goes; no line is torn."""
    edits = {
        'BRAIN_PROCESSES="2"': 'BRAIN_PROCESSES="0"',
        'EGRESS_PROCESSES="2"': 'EGRESS_PROCESSES="0"',
        'INGRESS_PROCESSES="2"': 'INGRESS_PROCESSES="1"',
        "stdout_logfile_maxbytes = 20MB": "stdout_logfile_maxbytes = 4KB",
        "stdout_logfile_backups = 5": "stdout_logfile_backups = 2",
    }
    with (
        server(valkey_binary(), tmp_path) as url,
        deployment(tmp_path / "checkout", {"REDIS_URL": url}, edits=edits) as found,
    ):
        await dropped_sockets(found.public_port, 150)
        folder = found.root / "deploy" / "run"
        names = {"ingress-0.log", "ingress-0.log.1", "ingress-0.log.2"}
        await wait_until(
            lambda: {path.name for path in folder.glob("ingress-0.log*")} == names, "two backups"
        )
        for name in names:
            text = (folder / name).read_text("utf-8")
            assert len(text) < 8 * 1024
            assert [line for line in text.splitlines() if not line.startswith("{") or line[-1] != "}"] == []


async def dropped_sockets(port: int, count: int) -> None:
    """Each is worth a line in the log of ingress."""
    signature = Signatures([AUTH_TOKEN]).sign(PUBLIC_URL.replace("https", "wss") + "/media", {})
    request = (
        "GET /media HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"X-Twilio-Signature: {signature}\r\n\r\n"
    ).encode()
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        assert b"101" in await reader.readline()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
