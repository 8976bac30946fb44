"""Each kind of attack, made on a real ingress, that lets nobody in, and on a server that lets all in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve

from proofs.prove.hostile import attacks
from proofs.prove.hostile.attacks import ATTACKS, OTHER_ENDS, Attack
from proofs.prove.hostile.scene import LET_IN, Overheard, Scene, Target
from shared.process.beat import keep_own_keys
from tests.ingress.harness import (
    ACCOUNT,
    AUTH_TOKEN,
    PUBLIC_URL,
    STREAM_URL,
    Ingress,
    call_sid,
    ingress,
    voice_form,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

MAY_END = {each.name: each.may_end for each in ATTACKS} | OTHER_ENDS


@pytest.fixture
async def bridge(valkey_url: str) -> AsyncIterator[Ingress]:
    """A running ingress process on an empty Valkey."""
    async with ingress(valkey_url) as running:
        yield running


def target(port: int) -> Target:
    """What listens there."""
    return Target(
        host="127.0.0.1",
        port=port,
        public_url=PUBLIC_URL,
        stream_url=STREAM_URL,
        account_sid=ACCOUNT,
        auth_token=AUTH_TOKEN,
    )


def scene_at(port: int) -> Scene:
    """An attack on what listens there."""
    return Scene(target(port), Random(1))


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as one process of a test can be asked to hold."""
    monkeypatch.setattr(attacks, "IDLE_AT_ONCE", 60)
    monkeypatch.setattr(attacks, "DRIPPING", 10)
    monkeypatch.setattr(attacks, "SILENT_AT_ONCE", 80)


def all_right(scene: Scene) -> None:
    """No attempt ended as it may not."""
    wrong = {
        kind: [end for end in ends if end not in MAY_END[kind]] for kind, ends in scene.tally.ends.items()
    }
    assert {kind: ends for kind, ends in wrong.items() if ends} == {}


WITHOUT_A_CALL = [each for each in ATTACKS if each.name not in ("stolen tokens", "replayed webhooks")]


@pytest.mark.usefixtures("fewer")
@pytest.mark.parametrize("attack", WITHOUT_A_CALL, ids=lambda attack: attack.name)
async def test_an_attack_ends_as_it_may(bridge: Ingress, attack: Attack) -> None:
    """And leaves no key, no stream, no failed process."""
    await keep_own_keys(bridge.process, bridge.role.own_streams)
    before = await bridge.store.dbsize()
    scene = scene_at(bridge.port)
    await attack.round(scene)
    assert scene.tally.attempts(attack.name) > 0
    all_right(scene)
    await wait_until(lambda: not bridge.role.switchboard.table.streams, "no socket is left")
    assert await bridge.store.dbsize() == before


def heard(number: int, token: str, *, is_over: bool) -> Overheard:
    """What could be overheard of a test's call."""
    return Overheard(
        call_sid=call_sid(number),
        url=f"{PUBLIC_URL}/voice",
        params=voice_form(number),
        token=token,
        is_over=is_over,
    )


async def test_stolen_tokens_open_nothing(bridge: Ingress) -> None:
    """The call that they are of goes on."""
    token = await bridge.token(1)
    caller = await bridge.live(1, token=token)
    scene = scene_at(bridge.port)
    scene.overheard.append(heard(1, token, is_over=False))
    await attacks.stolen_tokens(scene)
    assert scene.tally.ends == {"stolen tokens": {"closed 1008": 2}}
    refused = bridge.role.switchboard.counters.starts_refused
    assert (refused["token_wrong"], refused["token_spent"]) == (1, 1)
    await caller.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "the caller is heard")


async def test_a_webhook_that_comes_again_opens_nothing(bridge: Ingress) -> None:
    """Of a call that is over; while it lives it is answered, and has one slot."""
    token = await bridge.token(1)
    await bridge.live(1, token=token)
    scene = scene_at(bridge.port)
    scene.overheard.append(heard(1, token, is_over=False))
    await attacks.replayed_webhooks(scene)
    assert scene.tally.ends == {"replayed webhooks of live calls": {"stream": 1}}
    assert await bridge.store.zcard(bridge.process.keys.slots(0)) == 1

    await bridge.post("/call-status", voice_form(1, CallStatus="completed"))
    await wait_until(lambda: bridge.is_in_state("ended", 1), "the call is over")
    scene = scene_at(bridge.port)
    scene.overheard.append(heard(1, token, is_over=True))
    await attacks.replayed_webhooks(scene)
    assert scene.tally.ends == {"replayed webhooks": {"no stream": 30}}


async def test_without_anything_overheard_there_is_nothing_to_replay() -> None:
    """Nobody is asked."""
    scene = scene_at(1)
    await attacks.stolen_tokens(scene)
    await attacks.replayed_webhooks(scene)
    assert scene.tally.ends == {}


@pytest.mark.usefixtures("fewer")
async def test_who_is_let_in_is_told() -> None:
    """By a server that lets everybody in, and speaks with them."""

    async def speak(socket: ServerConnection) -> None:
        await socket.send('{"event":"media"}')
        await socket.close()

    async with serve(speak, "127.0.0.1", 0) as server:
        scene = scene_at(next(iter(server.sockets)).getsockname()[1])
        await attacks.unsigned_handshakes(scene)
        await attacks.silent_sockets(scene)
    assert scene.tally.ends["unsigned handshakes"][LET_IN] == 30
    assert scene.tally.ends["silent sockets"][LET_IN] == 80


async def test_who_is_held_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a server that never ends a connection."""
    monkeypatch.setattr(attacks, "ENDS_WITHIN_S", 0.2)
    monkeypatch.setattr(attacks, "IDLE_AT_ONCE", 3)
    held = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        scene = scene_at(server.sockets[0].getsockname()[1])
        await attacks.idle(scene)
        held.set()
    assert scene.tally.ends == {"idle": {"held": 3}}
