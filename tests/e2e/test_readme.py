"""The README's tables and recipes: what stands there is run here, during a live call."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from console import settings_table
from console.keys_table import KINDS
from console.stack.plan import DEMO_PUBLIC_URL
from shared.audio import FRAME_BYTES
from shared.contract.speech import sound_commands
from shared.settings import load
from simulators.twilio import CallPlan, HangUp, TwilioSimulator, WaitForEnd, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, plan
from tests.e2e.shell import run
from tests.support.servers import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(60)

EXAMPLE_ORIGIN = "https://bridge.example.com"
README = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")


def section(name: str) -> str:
    """The part between `<!-- name:begin -->` and `<!-- name:end -->`."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", README, re.DOTALL)
    assert found, f"README.md has no part {name}"
    return found[1]


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


def recipes() -> list[str]:
    """Each redis-cli line of the README."""
    lines = [line.split("  #")[0].strip() for line in section("recipes").splitlines()]
    in_table = re.findall(r"`(redis-cli [^`]*)`", section("keys"))
    return [line for line in lines if line.startswith("redis-cli")] + in_table


async def environment(bridge: Bridge, call_sid: str) -> dict[str, str]:
    card = await bridge.card(call_sid)
    return {
        "CALL": call_sid,
        "KEY": f"tl:{{0}}:call:{call_sid}",
        "WORKER": card["brain"],
        "INGRESS": card["ingress"],
        "EGRESS": card["egress"],
    }


async def test_every_recipe_works_on_a_live_call(bridge: Bridge, e2e_redis: str) -> None:
    """Each line answers something, and the last ones act: the model speaks, then the call ends."""
    if shutil.which("redis-cli") is None:
        missing("redis-cli")
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        live = twilio.start_call(plan(WaitForEnd(30_000), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.playbacks), "the greeting plays")

        async def has_figures() -> bool:
            return "tx_q_ms" in await bridge.card(live.call_sid)

        await wait_until(has_figures, "egress has put its figures on the card")

        async def has_janitor() -> bool:
            leases = ("tl:{0}:janitor", "tl:{admitted}:by")
            return all(run(f'redis-cli GET "{key}"', e2e_redis, {}).strip() for key in leases)

        await wait_until(has_janitor, "an ingress tidies up", timeout_s=20)
        # As brains do whose agents have sounds of their own.
        for command in sound_commands("0f3a", bytes(FRAME_BYTES)):
            await bridge.store.execute(command)
        variables = await environment(bridge, live.call_sid)
        acting = [line for line in recipes() if "XADD" in line]
        assert [re.findall(r"kind (\w+)", line) for line in acting] == [["say"], ["hangup"]]
        looking = [line for line in recipes() if "XADD" not in line]
        assert len(looking) > 15
        silent = [line for line in looking if not run(line, e2e_redis, variables).strip()]
        assert silent == [], f"these recipes showed nothing: {silent}"
        run(acting[0], e2e_redis, variables)
        await wait_until(lambda: len(model.sessions[0].responses) == 2, "the model was made to speak")
        run(acting[1], e2e_redis, variables)
        call = await live.finished()
        await bridge.until_ended(live.call_sid)
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
