"""Labels of counters: each reason that can be given has its zero from the start."""

from __future__ import annotations

from ingress.calls.fence import Admit
from ingress.counters import CallCounters, SocketCounters, WebhookCounters
from ingress.errors import Fault, StartReason, TokenReason, WebhookReason
from tests.ingress.harness import Ingress, raw_answer


def test_each_reason_is_a_label() -> None:
    """Of a bad message, of a refused start, of a drop, of a webhook."""
    calls, sockets = CallCounters(), SocketCounters()
    assert set(sockets.faults) == set(Fault)
    assert set(calls.starts_refused) == {*TokenReason, *StartReason, "other"}
    assert set(WebhookCounters().refusals) == set(WebhookReason)
    assert set(calls.out_drops) == set(Admit) - {Admit.PASS}


async def test_what_strangers_cost_is_exported(bridge: Ingress) -> None:
    """By the protocols of the public port, through one account."""
    await raw_answer(bridge.port, b"no request\r\n\r\n")
    found = {
        sample.name: sample.value
        for family in bridge.process.metrics.collect()
        for sample in family.samples
        if sample.name.startswith("trunkline_strangers_")
    }
    assert found["trunkline_strangers_no_requests_total"] == 1
    assert sum(found.values()) == 1
