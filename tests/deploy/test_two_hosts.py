"""Two hosts on one Redis, and HAProxy in front of them: docs/scaling.md and deploy/haproxy.cfg, carried out.

Two supervisords on this machine stand for two hosts; they differ in TRUNKLINE_HOST_NAME and in their ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from console.stack.launcher import Stack
from console.stack.plan import REPOSITORY, StackOptions
from shared.contract.keys import Keys
from shared.contract.worker import WorkerId
from shared.store.client import Store, make_store
from simulators.realtime import RealtimeSimulator
from simulators.twilio import (
    FAST,
    CallPlan,
    CallRecord,
    HangUp,
    Knobs,
    Pause,
    TwilioSimulator,
    WaitForSilence,
    WaitForSpeech,
)
from tests.support.certificates import make_certificate
from tests.support.servers import OWN_TIMEOUT_S, free_port, needed, server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.asyncio(loop_scope="module"),
]

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
CALLS_PER_WORKER = 3
KEYS = Keys(1)
ONE_EACH = {"ingress": 1, "brain": 1, "egress": 1}


@dataclass(slots=True)
class TwoHosts:
    """Two stacks, and what they share."""

    a: Stack
    b: Stack
    store: Store
    public_url: str
    tls_port: int
    tls_pem: Path
    """Certificate and key; the certificate signs itself."""

    def twilio(self, dial: Stack | None = None) -> TwilioSimulator:
        """A Twilio that stands for the proxy, or, without `dial`, one in front of HAProxy."""
        return TwilioSimulator(
            voice_url=f"{self.public_url}/voice",
            auth_token=AUTH_TOKEN,
            dial=None if dial is None else f"127.0.0.1:{dial.public_port}",
            tls=ssl.create_default_context(cafile=self.tls_pem),
        )

    async def hosts_of(self, call: CallRecord) -> dict[str, str]:
        """Role → host, for those who own the call now."""
        card = await self.store.hgetall(KEYS.card(call.call_sid))
        names = {role: card[role.encode()].decode() for role in ONE_EACH}
        return {role: WorkerId.parse(name).host for role, name in names.items() if name}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoHosts]:
    """One process of each role on each host."""
    folder = tmp_path_factory.mktemp("hosts")
    model_port, tls_port = free_port(), free_port()
    public_url = f"https://localhost:{tls_port}"
    with server(valkey_binary(), folder) as url:

        def host(name: str) -> Stack:
            return Stack(
                StackOptions(
                    name=name,
                    host_name=name,
                    workers=ONE_EACH,
                    redis_url=url,
                    model_base_url=f"http://127.0.0.1:{model_port}/v1",
                    public_url=public_url,
                    auth_token=AUTH_TOKEN,
                    environment={"TRUNKLINE_CALLS_PER_WORKER": str(CALLS_PER_WORKER)},
                    run_dir=folder / name,
                    stop_together=True,
                )
            )

        async with RealtimeSimulator(port=model_port), host("host-a") as a, host("host-b") as b:
            store = make_store(url, name="test", timeout_s=OWN_TIMEOUT_S)
            yield TwoHosts(a, b, store, public_url, tls_port, make_certificate(folder))
            await store.aclose()


BOTH = {"host-a": CALLS_PER_WORKER, "host-b": CALLS_PER_WORKER}
PLAN = CallPlan(steps=[WaitForSpeech(), WaitForSilence(300), Pause(1500), HangUp()])


async def test_calls_are_served_across_both_hosts(hosts: TwoHosts) -> None:
    """More calls than one host's workers take, all through one ingress: those of the other serve the rest."""
    async with hosts.twilio(hosts.a) as twilio:
        live = [twilio.start_call(PLAN, Knobs(pace=FAST)) for _ in range(2 * CALLS_PER_WORKER)]
        await wait_until(lambda: all(call.record.playbacks for call in live), "each is greeted", timeout_s=30)
        found = [await hosts.hosts_of(call.record) for call in live]
        records = [await call.finished() for call in live]
    assert [call.failures + call.violations for call in records] == [[]] * len(live)
    for role, expected in (("ingress", {"host-a": 6}), ("brain", BOTH), ("egress", BOTH)):
        counts = {name: [owners[role] for owners in found].count(name) for name in expected}
        assert counts == expected, role


def fitted(hosts: TwoHosts, folder: Path) -> Path:
    """deploy/haproxy.cfg as an operator of two hosts would edit it."""
    text = (REPOSITORY / "deploy" / "haproxy.cfg").read_text("utf-8")
    assert text.count("#   server host-b") == text.count("    server host-a") == 2
    text = text.replace(
        "#   server host-b 10.0.0.2:8080", f"    server host-b 127.0.0.1:{hosts.b.public_port}"
    )
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{hosts.a.public_port}")
    file = folder / "haproxy.cfg"
    file.write_text(text, "utf-8")
    return file


@contextlib.contextmanager
def haproxy(hosts: TwoHosts, folder: Path) -> Iterator[Path]:
    """HAProxy in front of both hosts; gives its log."""
    binary, file, log = needed("haproxy"), fitted(hosts, folder), folder / "haproxy.log"
    environment = {
        **os.environ,
        "TRUNKLINE_TLS_PEM": str(hosts.tls_pem),
        "TRUNKLINE_TLS_BIND": f"127.0.0.1:{hosts.tls_port}",
    }
    subprocess.run([binary, "-c", "-f", str(file)], env=environment, check=True, capture_output=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, "-db", "-f", str(file)], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(10)


async def until_open(hosts: TwoHosts) -> None:
    async def is_open() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", hosts.tls_port)
        except OSError:
            return False
        writer.close()
        return True

    await wait_until(is_open, "HAProxy listens")


async def ask(hosts: TwoHosts, path: str) -> int:
    """Status of an unsigned request through TLS."""
    context = ssl.create_default_context(cafile=hosts.tls_pem)
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        return (await client.post(f"{hosts.public_url}{path}")).status_code


async def test_through_haproxy(hosts: TwoHosts, tmp_path: Path) -> None:
    """Calls through TLS. While one host drains, new calls go to the other; its own live call moves there at
    the end of the drain, by Twilio's request for /voice/resume."""
    with haproxy(hosts, tmp_path) as log:
        await until_open(hosts)
        assert [await ask(hosts, path) for path in ("/voice", "/readyz", "/metrics")] == [403, 404, 404]
        async with hosts.twilio() as twilio:
            long = CallPlan(steps=[WaitForSpeech(), WaitForSilence(300), Pause(9000), HangUp()])
            live = twilio.start_call(long, Knobs(pace=FAST))
            await wait_until(lambda: bool(live.record.playbacks), "it is greeted", timeout_s=30)
            first = (await hosts.hosts_of(live.record))["ingress"]
            draining, other = (hosts.a, "host-b") if first == "host-a" else (hosts.b, "host-a")
            await draining.signal("ingress-0", signal.SIGTERM)
            # From the first moment on, before any check can have noticed.
            calls = [await twilio.call(PLAN, Knobs(pace=FAST)) for _ in range(2)]
            served_by = [(await hosts.hosts_of(call))["ingress"] for call in calls]
            record = await live.finished()
        assert served_by == [other, other]
        assert [call.failures + call.violations for call in [*calls, record]] == [[], [], []]
        assert [stream.close_code for stream in record.streams] == [1001, None]
        assert (await hosts.hosts_of(record))["ingress"] == other
        assert f"Server ready/{first} is DOWN" in log.read_text("utf-8")
        await draining.until_ready(30)
        await wait_until(
            lambda: f"Server ready/{first} is UP" in log.read_text("utf-8"), "the host is back", timeout_s=20
        )


async def test_without_redis_the_caller_hears_an_apology(hosts: TwoHosts, tmp_path: Path) -> None:
    """No host is ready, and yet the webhook is answered: not HAProxy's 503, but our words."""
    found = await hosts.store.info("server")
    with haproxy(hosts, tmp_path) as log:
        await until_open(hosts)
        os.kill(int(found["process_id"]), signal.SIGSTOP)
        try:
            await wait_until(
                lambda: log.read_text("utf-8").count(" is DOWN") == 2, "both are down", timeout_s=30
            )
            async with hosts.twilio() as twilio:
                call = await twilio.call(CallPlan(steps=[]), Knobs(pace=FAST))
        finally:
            os.kill(int(found["process_id"]), signal.SIGCONT)
    assert [verb.name.lower() for verb in call.verbs if verb.name.lower() == "say"] == ["say"]
    await hosts.a.until_ready(30)
    await hosts.b.until_ready(30)
