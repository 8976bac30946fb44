"""Labels of counters: each reason that can be given has its zero from the start."""

from __future__ import annotations

from ingress.calls.fence import Admit
from ingress.counters import CallCounters, SocketCounters, WebhookCounters
from ingress.errors import Fault, StartReason, TokenReason, WebhookReason


def test_each_reason_is_a_label() -> None:
    """Of a bad message, of a refused start, of a drop, of a webhook."""
    calls, sockets = CallCounters(), SocketCounters()
    assert set(sockets.faults) == set(Fault)
    assert set(calls.starts_refused) == {*TokenReason, *StartReason, "other"}
    assert set(WebhookCounters().refusals) == set(WebhookReason)
    assert set(calls.out_drops) == set(Admit) - {Admit.PASS}
