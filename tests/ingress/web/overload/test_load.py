"""How an ingress stands, and what follows for a webhook."""

from __future__ import annotations

from typing import Any

import pytest

from ingress.errors import WebhookReason
from ingress.web.overload import load, rules
from ingress.web.overload.load import LoadWatch, bounds_of
from shared.contract.admission.model import model_commands
from tests.ingress.harness import Ingress, call_sid, make_settings
from tests.support.servers import free_port

NOWHERE = f"redis://127.0.0.1:{free_port()}/0"


def watch(bridge: Ingress, clock: list[float] | None = None, **bounds: Any) -> LoadWatch:
    """Another one of the same process, with bounds of the test's."""
    now = [0.0] if clock is None else clock
    made = LoadWatch(bridge.process, bridge.role.switchboard.table, lambda: now[0])
    made.bounds = rules.Bounds(**bounds)
    return made


def test_no_more_calls_than_there_is_room_for_sockets() -> None:
    """Of a process that may have few descriptors, whatever the setting."""
    few, many = (bounds_of(make_settings(NOWHERE), files_most) for files_most in (100, 100_000))
    assert (few.calls, many.calls) == (40, 500)
    assert bounds_of(make_settings(NOWHERE, calls_per_ingress=0), 100_000).calls > 500


async def test_two_webhooks_do_not_get_the_last_place(bridge: Ingress) -> None:
    """Decided in one step: who was let in and has no stream yet counts. A webhook that comes again is let in
    again; one that was refused elsewhere leaves its place."""
    clock = [0.0]
    here = watch(bridge, clock, calls=2)
    assert [here.let_in(call_sid(number)) for number in (1, 2, 1)] == [None, None, None]
    assert here.let_in(call_sid(3)) is WebhookReason.PROCESS
    here.refused(call_sid(2), WebhookReason.FULL)
    assert here.let_in(call_sid(3)) is None
    clock[0] = rules.ON_THE_WAY_MS
    assert here.let_in(call_sid(4)) is None


async def test_calls_that_are_here_count(bridge: Ingress) -> None:
    """Once each, however they came."""
    here = watch(bridge, calls=2)
    assert here.let_in(call_sid(1)) is None
    await bridge.live(1)
    assert here.let_in(call_sid(2)) is None
    assert here.let_in(call_sid(3)) is WebhookReason.PROCESS


async def test_a_process_without_descriptors_lets_nobody_in(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted now and then."""
    monkeypatch.setattr(load.limits, "files_open", lambda: 90)
    here = watch(bridge)
    here._files_most = 100
    assert here.let_in(call_sid(1)) is None
    await here.look()
    assert here.let_in(call_sid(2)) is WebhookReason.FILES


async def test_a_loop_that_is_late_lets_nobody_in(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second of it; and those that are here stay."""
    clock = [0.0]
    here = watch(bridge, clock)
    here._late = rules.LateGate(15.0)
    monkeypatch.setattr(bridge.process.lag, "mostly_ms", lambda: 19.0)
    await here.look()
    assert here.let_in(call_sid(1)) is None
    clock[0] = rules.LATE_FOR_MS
    await here.look()
    assert here.let_in(call_sid(2)) is WebhookReason.LATE


async def test_a_model_without_rate_lets_nobody_in(bridge: Ingress) -> None:
    """As long as its server's word counts."""
    here = watch(bridge, model_left=0.05)
    for left, reason in ((0.01, WebhookReason.MODEL), (0.5, None)):
        written, expires = model_commands(left, 60_000)
        await bridge.store.execute_command(*written.args)
        await bridge.store.execute_command(*expires.args)
        here._looks = 0
        await here.look()
        assert here.let_in(call_sid(1)) is reason


async def test_an_episode_has_two_lines(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two hundred refusals, with why and how many."""
    said: list[tuple[str, dict[str, object]]] = []

    class Lines:
        def warning(self, event: str, **fields: object) -> None:
            said.append((event, fields))

        info = debug = warning

    monkeypatch.setattr(bridge.process, "log", Lines())
    clock = [0.0]
    here = watch(bridge, clock)
    for number in range(200):
        here.refused(call_sid(number), WebhookReason.FULL, counted=200)
    clock[0] = 60_000.0
    await here.look()
    (began, with_figures), (over, told) = said
    assert (began, with_figures["reason"], with_figures["counted"]) == ("call_refused", "full", 200)
    assert (over, told["refused"]) == ("refusals_over", 200)
