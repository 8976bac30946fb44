"""docs/operating.md: every recipe with redis-cli, and the command line, on a live call."""

from __future__ import annotations

import pytest

from shared.store.access.grants import OPERATOR
from tests.e2e.conftest import Bridge
from tests.e2e.recipes import OF_OPERATING, commands_on_a_call, greeted, recipes_on_a_call
from tests.e2e.shell import Shell
from tests.support import acl
from tests.support.servers import needed

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def shell(e2e_redis: str) -> Shell:
    """The operator's."""
    needed("redis-cli")
    acl.install(e2e_redis, OPERATOR)
    return Shell.at(e2e_redis)


async def test_every_recipe_answers_on_a_live_call(bridge: Bridge, shell: Shell) -> None:
    """Looking shows something; a text is said, the egress is taken out, the call is ended."""
    assert len(OF_OPERATING.lines) > 12
    assert [len(OF_OPERATING.doing(what)) for what in ("say", "drain", "hangup")] == [1, 1, 1]
    call, drained = await recipes_on_a_call(bridge, shell, OF_OPERATING)
    await bridge.restart(drained.partition("@")[0])
    assert call.end_reason == "bridge_hung_up"


async def test_the_command_line_on_a_live_call(bridge: Bridge, shell: Shell) -> None:
    """calls, show, keys, say, hangup, watch, for programs; a call that is over is not hung up again."""
    call = await commands_on_a_call(bridge, shell)
    assert call.end_reason == "bridge_hung_up"
    assert (await shell.trunkline("hangup", call.call_sid)).returncode == 1


async def test_the_command_line_for_people(bridge: Bridge, shell: Shell) -> None:
    """Tables, and a line when something is wrong."""
    async with bridge.realtime(), bridge.twilio() as twilio:
        live = await greeted(twilio)
        sid = live.call_sid
        nobody = await shell.trunkline("show", "zzz")
        refused = await shell.trunkline("say", sid, " ")
        assert (nobody.returncode, f"Live are: {sid}" in nobody.stderr) == (1, True)
        assert (refused.returncode, "expected a text to say" in refused.stderr) == (2, True)
        assert sid in (await shell.trunkline("calls")).stdout
        shown = (await shell.trunkline("show", sid)).stdout
        assert "journal" in shown
        assert bridge.keys.card(sid) in shown
        await shell.trunkline("hangup", sid)
        await live.finished()
        await bridge.until_ended(sid)
