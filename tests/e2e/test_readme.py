"""The README's tables and recipes: what stands there is run here, during a live call."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from console import settings_table
from console.keys_table import KINDS
from console.stack.plan import DEMO_PUBLIC_URL
from shared.settings import load
from shared.store.access.grants import OPERATOR
from simulators.twilio import CallPlan, HangUp, TwilioSimulator, WaitForEnd, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge
from tests.e2e.recipes import OF_README, README, recipes_on_a_call, section
from tests.e2e.shell import Shell
from tests.support import acl
from tests.support.servers import needed

pytestmark = pytest.mark.timeout(60)

EXAMPLE_ORIGIN = "https://bridge.example.com"


def test_the_settings_table_is_the_code() -> None:
    """`trunkline settings --markdown` writes it."""
    assert section("settings").strip() == settings_table.markdown().strip()


def rows(part: str) -> list[list[str]]:
    """Cells of a table, without its head."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", rows(section("settings")), ids=lambda row: row[0].strip("`"))
def test_a_setting_may_be_what_its_row_says(row: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable with its default in the environment changes nothing."""
    name, default, _ = row
    monkeypatch.delenv(name.strip("`"), raising=False)
    untouched = load(env_file=None)
    monkeypatch.setenv(name.strip("`"), "" if default == "none" else default.strip("`"))
    assert load(env_file=None) == untouched


def test_the_table_of_keys_is_the_code() -> None:
    """Each kind of key has a row, each row a kind and a command that looks at it."""
    named: set[str] = set()
    for key, _, _, _, command in rows(section("keys")):
        assert command.startswith("`redis-cli "), key
        for each in re.findall(r"`([^`]*)`", key):
            pattern = each.replace("…:", "tl:{L}:call:CA…:").replace("{L}", "{*}").replace("CA…", "CA*")
            named.add(re.sub(r"<\w+>", "*", pattern))
    assert named == {re.sub(r"CA\?+$", "CA*", kind.pattern) for kind in KINDS}


def numbers_page() -> dict[str, str]:
    """What the table for the number's page at Twilio says: field → URL, for the stack of these tests."""
    part = README.partition("3. On the number's page")[2].partition("The part behind")[0]
    table = rows("\n".join(line.strip() for line in part.splitlines()))
    return {
        field: re.findall(r"`(https://[^`]*)`", value)[0].replace(EXAMPLE_ORIGIN, DEMO_PUBLIC_URL)
        for field, value in table
    }


async def test_a_number_that_is_set_up_by_the_table(bridge: Bridge) -> None:
    """A call comes in and its end is told; when the first handler fails, the second apologises."""
    urls = numbers_page()
    assert list(urls) == ["A call comes in", "Primary handler fails", "Call status changes"]
    incoming, fallback, status = urls.values()
    steps = [WaitForSpeech(), WaitForSilence(300), HangUp()]
    options = {"auth_token": bridge.stack.auth_token, "dial": f"127.0.0.1:{bridge.stack.public_port}"}
    async with bridge.realtime(), TwilioSimulator(voice_url=incoming, **options) as twilio:
        plan = CallPlan(steps=steps, status_callback=status, fallback_url=fallback)
        call = await twilio.call(plan, QUICK)
        card = await bridge.until_ended(call.call_sid)
    answers = [(hook.purpose, hook.status) for hook in call.webhooks if hook.purpose != "stream_status"]
    assert answers == [("voice", 200), ("call_status", 204)]
    assert card["outcome"] == "completed"
    broken = incoming.replace("/voice#", "/no-such-path#")
    async with TwilioSimulator(voice_url=broken, **options) as twilio:
        plan = CallPlan(steps=[WaitForEnd(10_000)], status_callback=status, fallback_url=fallback)
        call = await twilio.call(plan, QUICK)
    assert "say" in [verb.name.lower() for verb in call.verbs]
    assert ("fallback", 200) in [(hook.purpose, hook.status) for hook in call.webhooks]


async def test_every_recipe_works_on_a_live_call(bridge: Bridge, e2e_redis: str) -> None:
    """Each line answers something, and the last ones act: the model speaks, then the call ends."""
    needed("redis-cli")
    acl.install(e2e_redis, OPERATOR)
    assert len(OF_README.looking) > 15
    assert [len(OF_README.doing(what)) for what in ("say", "drain", "hangup")] == [1, 0, 1]
    call, _ = await recipes_on_a_call(bridge, Shell.at(e2e_redis), OF_README)
    assert call.end_reason == "bridge_hung_up"


def supervisorctl_status(bridge: Bridge) -> str:
    config = str(bridge.stack.config_file)
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", config, "status"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


async def test_supervisorctl_status_shows_each_process(bridge: Bridge) -> None:
    """As the README says, with the file of this run."""
    lines = supervisorctl_status(bridge).splitlines()
    running = [line.split()[0].split(":")[-1] for line in lines if "RUNNING" in line]
    assert set(running) >= {f"{role}-{n}" for role in ("ingress", "brain", "egress") for n in (0, 1)}
