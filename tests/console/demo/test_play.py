"""The demo's stack, whatever is set."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from console.demo.play import Demo, conclude, demo_options, what_next
from console.demo.script import script
from console.stack.launcher import Stack
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, with_realtime
from shared.exit_codes import Exit
from shared.settings import load
from tests.console.demo.test_staging import placed
from tests.console.demo.test_verdict import good_log

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside."""
    for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_real_numbers_are_left_alone() -> None:
    """A public name and tokens that are set belong to real calls: the demo makes its own up."""
    found = load(env_file=None, public_url="https://real.example.com", twilio_auth_token="real")
    options = demo_options(found, "en", None)
    assert (options.public_url, options.auth_token, options.port) == (DEMO_PUBLIC_URL, "", 0)


def test_the_simulator_speaks_the_language_that_was_asked_for() -> None:
    """And the roles hear it, with the tool of the conversation."""
    options = demo_options(load(env_file=None), "he", None)
    assert not options.web
    assert with_realtime(options)
    assert options.model_api_key == SIMULATED_API_KEY
    assert options.simulator_args == ("--script", "hebrew")
    assert options.environment["TRUNKLINE_LANGUAGE"] == "he"
    assert options.environment["TRUNKLINE_DEMO_TOOLS"] == "true"


def test_a_key_means_a_real_model() -> None:
    """Which then speaks as it likes."""
    options = demo_options(load(env_file=None, openai_api_key="sk-x"), "en", None)
    assert not with_realtime(options)
    assert options.model_api_key == "sk-x"


@pytest.mark.parametrize("is_well", [True, False])
def test_it_ends_by_naming_the_page(is_well: bool, tmp_path: Path) -> None:
    """As its last line, which the README has too; where the call was not as it should be, that is the end."""
    settings = load(env_file=None)
    stack = Stack(demo_options(settings, "en", None))
    stack.run_dir = tmp_path
    output = io.StringIO()
    demo = Demo(
        settings=settings, script=script("en"), output=tmp_path, console=Console(file=output, width=200),
        real_model=False,
    )  # fmt: skip
    call = placed()
    call.watch.seen = good_log() if is_well else []
    assert conclude(demo, stack, call) == (Exit.OK if is_well else Exit.FAILED)
    *_, last = output.getvalue().splitlines()
    if not is_well:
        assert "The demo failed:" in output.getvalue()
        assert "8081" not in last
        return
    assert last == f"next       {what_next(settings)}"
    assert "http://127.0.0.1:8081/" in last
    shown = README.partition("<!-- demo:begin -->")[2].partition("<!-- demo:end -->")[0]
    assert shown.strip("`\n").splitlines()[-1] == last
