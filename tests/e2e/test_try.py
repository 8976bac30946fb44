"""docs/try.md as a newcomer follows it: each file written, each command run, each output compared."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import subprocess
import sys
import wave
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulators.realtime import RealtimeSimulator, script
from tests.support.servers import free_port

pytestmark = pytest.mark.timeout(240)

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "try.md").read_text("utf-8")
AGENTS_PAGE = (ROOT / "docs" / "agents.md").read_text("utf-8")
STOCK_PORT = "8008"
"""Of the server of the page."""

SHOWN = re.compile(
    r"^# s  (caller|agent|tool) |^[✓✗] |^Did it go|"
    r"^recording|^picture|expectations were|^exit code|^trunkline:"
)
"""What the page shows of an output; it says what is left out."""


def blocks(page: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language]


def files(page: str) -> dict[str, str]:
    """Each block that begins with the name of a file."""
    found = {}
    for text in (*blocks(page, "toml"), *blocks(page, "python")):
        name = re.match(r"# ([\w/]+\.\w+)\n", text)
        if name:
            found[name[1]] = text
    return found


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Each command of the page, and what it shows of its output."""
    found = []
    for text in blocks(page, "console"):
        first, *shown = text.splitlines()
        found.append((first.removeprefix("$ "), shown))
    return found


def masked(line: str) -> str:
    """Without times: they differ from call to call. Lines, counts and exit codes do not."""
    return re.sub(r"\d+\.\d+|\d+(?= ms at worst)", "#", line).strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the page, with all its files, and `trunkline` on the PATH."""
    port = str(free_port())
    for name, text in files(PAGE).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(STOCK_PORT, port), "utf-8")
    sound = tmp_path / "sounds" / "recorded.wav"
    assert f"espeak-ng -w {sound.relative_to(tmp_path)} " in PAGE
    sound.parent.mkdir()
    # In place of espeak-ng, which is not everywhere: two seconds of a tone.
    with wave.open(str(sound), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        tone = array("h", (round(6000 * math.sin(n / 3)) for n in range(16_000)))
        written.writeframes(tone.tobytes())
    command = tmp_path / "bin" / "trunkline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m console "$@"\n', "utf-8")
    command.chmod(0o700)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the machine's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TRUNKLINE_") and name not in ("OPENAI_API_KEY", "REDIS_URL", "PUBLIC_URL")
    }
    return {
        **kept,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
    }


@contextmanager
def stock_server(folder: Path) -> Iterator[None]:
    """The server of the page."""
    process = subprocess.Popen([sys.executable, "server.py"], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run(folder: Path, command: str, text: str = "") -> list[str]:
    """What a command says, as a shell runs it; complaints among it."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment(folder), input=text, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def shown(lines: list[str]) -> list[str]:
    return [masked(line) for line in lines if SHOWN.search(masked(line))]


def test_every_command_of_the_page_says_what_the_page_shows(folder: Path) -> None:
    """An interruption, tools, an expectation that fails, a slip; word for word, but for the times."""
    found = commands(PAGE)
    assert len(found) >= 3
    with stock_server(folder):
        for command, expected in found:
            output = run(folder, command)
            assert shown(output) == [masked(line) for line in expected], "\n".join(output)
    assert (folder / "try-output" / "kestrel.png").stat().st_size > 10_000
    with wave.open(str(folder / "try-output" / "kestrel.wav")) as recording:
        assert recording.getnchannels() == 2
        assert recording.getnframes() > 8000 * 10
    suite = ElementTree.parse(folder / "try.xml").getroot()[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("falcon.toml", "3", "1")


def test_the_line_for_ci_tries_all_scenarios(folder: Path) -> None:
    """On one start of the processes; a suite each, files of their own, the exit code of all together."""
    (line,) = [
        text for text in blocks(PAGE, "sh") if "--scenario kestrel.toml --scenario falcon.toml" in text
    ]
    with stock_server(folder):
        output = run(folder, f'{line}echo "exit code $?"')
    assert output[-2:] == ["1 of 12 expectations were not met.", "exit code 1"], "\n".join(output)
    assert sum("processes run; " in each for each in output) == 1
    suites = ElementTree.parse(folder / "try.xml").getroot()
    assert [(each.get("name"), each.get("failures")) for each in suites] == [
        ("kestrel.toml", "0"), ("falcon.toml", "1"),
    ]  # fmt: skip
    assert {each.name for each in (folder / "try-output").iterdir()} == {
        "kestrel.wav", "kestrel.png", "falcon.wav", "falcon.png",
    }  # fmt: skip


def test_what_the_command_line_says_is_said_one_after_another(folder: Path) -> None:
    """A text and a recording of one's own, as the page has them."""
    block = next(text for text in blocks(PAGE, "sh") if "trunkline try bikes --say" in text)
    line = block.splitlines()[0].partition("  #")[0]
    (folder / "question.wav").write_bytes((folder / "sounds" / "recorded.wav").read_bytes())
    output = run(folder, f'{line}; echo "exit code $?"')
    said = [each.split("  caller   ")[1] for each in output if "  caller   " in each]
    assert len(said) == 4, "\n".join(output)
    assert (said[1], "question.wav" in said[2]) == ("“Do you have a Kestrel?”", True)
    assert output[-1] == "exit code 0"


def test_the_script_of_the_page_is_one(folder: Path) -> None:
    """The simulator takes it."""
    loaded = script.load(str(folder / "shop.toml"))
    assert loaded.turn(1).reply == (script.Call("stock", json.dumps({"model": "Kestrel"})),)


def test_what_is_piped_in_is_said_line_by_line(folder: Path) -> None:
    """Each after the reply to the one before; the call is over with the last of them."""
    output = run(folder, 'trunkline try bikes; echo "exit code $?"', "Hello?\n\nIs anybody there?\n")
    said = [line.split("  caller   ")[1] for line in output if "  caller   " in line]
    expected = ["(the call is answered)", "“Hello?”", "“Is anybody there?”", "(hung up)"]
    assert said == expected, "\n".join(output)
    assert output[-1] == "exit code 0"


def test_nobody_can_be_talked_to_without_a_sound_card(folder: Path) -> None:
    """One line, before anything is started."""
    hidden = folder / "hidden" / "sounddevice.py"
    hidden.parent.mkdir()
    hidden.write_text("raise ImportError('hidden by a test')\n", "utf-8")
    output = run(folder, 'PYTHONPATH="hidden:$PYTHONPATH" trunkline try bikes --talk; echo "exit code $?"')
    assert "needs sounddevice" in output[-2]
    assert output[-1] == "exit code 2"


def test_an_agent_that_nobody_has_is_told_at_once(folder: Path) -> None:
    """The default agent does not answer in its place."""
    output = run(folder, 'trunkline try bike --say Hello; echo "exit code $?"')
    assert output == ["trunkline: call: there is no agent 'bike'. Did you mean bikes?", "exit code 3"]


async def test_the_first_commands_of_the_agents_page_work(folder: Path) -> None:
    """From no file to a call with an agent of the example; the provider that is asked is the simulator."""
    (folder / "agents.toml").unlink()
    first = blocks(AGENTS_PAGE, "sh")[0]
    assert "trunkline try" in first
    async with RealtimeSimulator() as provider:
        keys = f"export OPENAI_API_KEY=sk-x OPENAI_BASE_URL={provider.base_url}"
        output = await asyncio.to_thread(run, folder, f'set -e\n{keys}\n{first}echo "exit code $?"')
    assert len(provider.sessions) == 3, "each agent of the example"
    assert any(line.endswith("  caller   “Hello?”") for line in output), "\n".join(output)
    assert output[-1] == "exit code 0"


def test_the_check_says_what_the_agents_page_shows(folder: Path) -> None:
    """As one types it: of the example, and of both broken files."""
    (table,) = [text for text in blocks(AGENTS_PAGE, "") if "┏" in text]
    good = next(text for text in blocks(AGENTS_PAGE, "toml") if "[agents.sales]" in text)
    broken = [text for text in blocks(AGENTS_PAGE, "toml") if '"end_cal"' in text]
    refused = [text for text in blocks(AGENTS_PAGE, "") if text.startswith("broken.toml: ")]
    tried = [("agents.toml", good, table, 0)]
    tried += [("broken.toml", text, shown, 3) for text, shown in zip(broken, refused, strict=True)]
    for name, text, shown, code in tried:
        (folder / name).write_text(text, "utf-8")
        output = run(folder, f'COLUMNS=100 trunkline agents check {name}; echo "exit code $?"')
        assert output == [*shown.splitlines(), f"exit code {code}"]
