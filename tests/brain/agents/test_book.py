"""Agents from a file: who takes a call, what is wrong, and what changes while the process runs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from pydantic import BaseModel

from brain.agents import book as module
from brain.agents.agent import Agent
from brain.agents.book import AGAIN_LOOKS, AWAY_LOOKS, LOSS_LOOKS, YOUNG_MS, AgentBook, RefusedAgent
from brain.model.realtime.session import session_config
from brain.tools.toolbox import Toolbox, ToolContext
from shared.logs.log import get_log
from shared.settings import EnvFileError, SettingsError, load

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550002222", agent="sales")


def book(folder: Path, text: str, **environment: str) -> AgentBook:
    path = folder / "agents.toml"
    path.write_text(text, "utf-8")
    return AgentBook(load(env_file=None, agents_file=str(path)), get_log(), environment)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        book(folder, text, BAD_SECRET="whsec_!")
    return [problem.partition("agents.toml: ")[2] for problem in caught.value.problems]


SALES = """
[default]
voice = "cedar"
[agents.sales]
numbers = ["+15550002222"]
instructions = "מכרו אופניים."
limits = { idle_prompts = 1 }
[agents.by_name]
speed = 1.2
"""


def test_the_called_number_chooses_the_agent(tmp_path: Path) -> None:
    """By name first, then by number, else the default; what a profile leaves out is the default's."""
    agents = book(tmp_path, SALES)

    sales, other = agents.pick("", "+15550002222"), agents.pick("", "+15559999999")

    assert (sales.name, sales.voice, sales.instructions) == ("sales", "cedar", "מכרו אופניים.")
    assert (sales.limits.idle_prompts, sales.limits.idle_prompt_s) == (1, 10.0)
    assert other.name == "default"
    assert agents.pick("by_name", "+15550002222").speed == 1.2
    assert agents.pick("nobody", "").name == "default"


def test_a_language_may_be_a_tag_or_left_out(tmp_path: Path) -> None:
    """Its country is for whoever needs it; nothing means that the model listens for itself."""
    agents = book(tmp_path, "[default]\nlanguage = 'en-US'\n[agents.any]\nlanguage = ''")

    assert [agent.language for agent in agents.agents] == ["en-US", ""]


@pytest.mark.parametrize(
    "called", ["15550002222", "+1 555 000-2222", "sip:+15550002222@pbx.example.com;user=phone"]
)
def test_the_called_number_may_be_spelt_in_any_way(tmp_path: Path, called: str) -> None:
    """Carriers write it with blanks, without its plus, in an address."""
    agents = book(tmp_path, SALES)

    assert agents.pick("", called).name == "sales"
    assert agents.knows(called)


def test_a_called_number_that_nobody_has_is_known_as_such(tmp_path: Path) -> None:
    """The default agent answers, and the call's journal says so; where no agent has a number, nobody asks."""
    assert not book(tmp_path, SALES).knows("+15559999999")
    assert not book(tmp_path, SALES).knows("client:desk")
    assert AgentBook(load(env_file=None), get_log()).knows("+15559999999")


def test_without_a_file_there_is_the_agent_of_the_settings() -> None:
    """Nothing has to be written for a first call."""
    agents = AgentBook(load(env_file=None, voice="sage"), get_log())

    assert [agent.name for agent in agents.agents] == ["default"]
    assert agents.pick("", "+1").voice == "sage"


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A typing error in the setting must not become the default agent."""
    with pytest.raises(SettingsError, match="is not there"):
        AgentBook(load(env_file=None, agents_file=str(tmp_path / "none.toml")), get_log())


def test_a_changed_file_is_taken_up_for_new_calls(tmp_path: Path) -> None:
    """And a broken one is not: the agents there are stay."""
    agents = book(tmp_path, SALES)
    path = tmp_path / "agents.toml"

    path.write_text(SALES.replace("cedar", "marin"), "utf-8")
    os.utime(path, ns=(1, 1))
    agents.refresh()
    assert agents.pick("sales", "").voice == "marin"

    path.write_text("[default]\nvoice = 7", "utf-8")
    agents.refresh()
    agents.refresh()
    assert agents.pick("sales", "").voice == "marin"


async def test_a_file_is_taken_up_once_it_stands_still(tmp_path: Path) -> None:
    """A save may take two steps, and what stands there between them is nobody's wish."""
    agents = book(tmp_path, SALES)
    path = tmp_path / "agents.toml"

    for step, voice in enumerate(("ash", "sage", "marin"), start=1):
        path.write_text(SALES.replace("cedar", voice), "utf-8")
        os.utime(path, ns=(step, step))
        await agents.look()
        assert agents.pick("sales", "").voice == "cedar"
    await agents.look()

    assert agents.pick("sales", "").voice == "marin"


async def test_an_empty_file_lets_nobody_else_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A save in two steps, or a full disk: the agents stay, and it is said once."""
    agents = book(tmp_path, SALES)
    for text in ("", "# nothing yet\n"):
        (tmp_path / "agents.toml").write_text(text, "utf-8")
        for _ in range(4):
            await agents.look()

        assert agents.pick("", "+15550002222").name == "sales"


async def test_a_file_that_is_away_lets_nobody_else_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editors take it away to put another in its place; away for long that is said once, and the agents stay:
    their callers are not the default agent's."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "agents.toml"
    path.write_text(SALES, "utf-8")
    agents = AgentBook(load(env_file=None), get_log())
    path.unlink()
    for _ in range(3 * AWAY_LOOKS):
        await agents.look()
    assert agents.pick("", "+15550002222").name == "sales"

    path.write_text(SALES.replace("cedar", "marin"), "utf-8")
    await agents.look()
    await agents.look()

    assert agents.pick("sales", "").voice == "marin"


async def test_half_a_file_lets_nobody_else_answer(tmp_path: Path) -> None:
    """The beginning of a save that takes its time is a good file, in which agents are missing: it is believed
    when it stays so."""
    agents = book(tmp_path, SALES)
    path = tmp_path / "agents.toml"
    path.write_text("[default]\nvoice = 'ash'\n", "utf-8")
    for _ in range(LOSS_LOOKS - 1):
        await agents.look()
    assert agents.pick("", "+15550002222").voice == "cedar"

    await agents.look()

    assert agents.pick("", "+15550002222").voice == "ash"


def test_an_empty_file_is_no_start(tmp_path: Path) -> None:
    """It is one that is being written, or a disk that was full: every caller would be the default agent's."""
    assert problems(tmp_path, "# agents\n") == [
        "is empty: write [default] into it, or take it away before a start"
    ]


async def test_at_a_start_a_file_that_is_being_saved_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stood there a moment ago may have been half of it."""
    monkeypatch.setattr(module, "YOUNG_PAUSE_S", 0.0)
    looked_ms = 0

    def wall_ms() -> int:
        nonlocal looked_ms
        looked_ms += 100
        return (tmp_path / "agents.toml").stat().st_mtime_ns // 1_000_000 + looked_ms

    agents = book(tmp_path, "[default]\nvoice = 'ash'")
    (tmp_path / "agents.toml").write_text(SALES, "utf-8")
    monkeypatch.setattr(module, "wall_ms", wall_ms)

    await agents.stand_still()

    assert agents.pick("", "+15550002222").name == "sales"
    assert looked_ms == YOUNG_MS
    os.utime(tmp_path / "agents.toml", ns=(1, 1))
    await agents.stand_still()  # An old one is not: it could not be told from one that is never done.


class Provider:
    """Whoever is asked whether an agent's session can be had; `answer`: what is said of the first one."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answer: RefusedAgent | None = None

    async def __call__(self, agents: Sequence[tuple[Agent, Toolbox]]) -> list[RefusedAgent]:
        self.asked.append([agent.name for agent, _ in agents])
        return [] if self.answer is None else [self.answer]


def asked_book(folder: Path, provider: Provider) -> AgentBook:
    path = folder / "agents.toml"
    path.write_text(SALES, "utf-8")
    return AgentBook(load(env_file=None, agents_file=str(path)), get_log(), {}, provider)


async def test_only_what_the_provider_takes_goes_live(tmp_path: Path) -> None:
    """It is asked about the agents that have changed; what it refuses is a file that is wrong."""
    provider = Provider()
    agents = asked_book(tmp_path, provider)
    path = tmp_path / "agents.toml"
    provider.answer = RefusedAgent("sales", "session_refused: invalid_value", is_final=True)
    path.write_text(SALES.replace("idle_prompts = 1", "idle_prompts = 3"), "utf-8")
    for _ in range(4):
        await agents.look()
    assert agents.pick("sales", "").limits.idle_prompts == 1
    assert provider.asked == [["sales"]]

    provider.answer = None
    path.write_text(SALES.replace("idle_prompts = 1", "idle_prompts = 4"), "utf-8")
    await agents.look()
    await agents.look()

    assert agents.pick("sales", "").limits.idle_prompts == 4


async def test_a_provider_that_cannot_be_asked_is_asked_again(tmp_path: Path) -> None:
    """Until then the agents there are stay: nobody knows whether the new ones could answer."""
    provider = Provider()
    agents = asked_book(tmp_path, provider)
    provider.answer = RefusedAgent("sales", "connect_failed: OSError", is_final=False)
    (tmp_path / "agents.toml").write_text(SALES.replace("cedar", "ash"), "utf-8")
    for _ in range(2 + AGAIN_LOOKS - 1):
        await agents.look()
    assert (len(provider.asked), agents.pick("sales", "").voice) == (1, "cedar")

    provider.answer = None
    await agents.look()

    assert (len(provider.asked), agents.pick("sales", "").voice) == (2, "ash")


def test_it_is_known_which_variables_have_no_value(tmp_path: Path) -> None:
    """Those of an agent's own table have one, and tools have the numbers of the call by themselves."""
    agents = book(
        tmp_path,
        "[default]\ninstructions = 'You are {{agent_name}}, for {{name}}.'\ntools = ['t']\n"
        "variables = { agent_name = 'Ann' }\n"
        "[tools.t]\nurl = 'https://x.example/{{customer}}?from={{caller}}'",
    )

    assert agents.unset("default") == {"name": ["instructions"], "customer": ["tools.t.url"]}
    assert agents.takes_variables
    assert not book(tmp_path, SALES).takes_variables


async def test_a_module_is_imported_beside_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take seconds, and in these nobody would be served; one that hangs is given up, and is said."""
    (tmp_path / "heavy_tools.py").write_text(
        "import threading\nTHREAD = threading.current_thread()\n"
        'def stock() -> str:\n    """Look it up."""\n    return "3"\n'
    )
    (tmp_path / "endless_tools.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "READ_WITHIN_S", 0.3)
    monkeypatch.setattr(module, "LOSS_LOOKS", 2)
    agents = book(tmp_path, SALES)
    path = tmp_path / "agents.toml"

    path.write_text(
        "[default]\nvoice = 'ash'\ntools = ['t']\n[tools.t]\npython = 'heavy_tools:stock'", "utf-8"
    )
    await agents.look()
    await agents.look()
    assert agents.pick("", "").voice == "ash"
    assert sys.modules["heavy_tools"].THREAD is not threading.main_thread()

    path.write_text(
        "[default]\nvoice = 'sage'\ntools = ['t']\n[tools.t]\npython = 'endless_tools:x'", "utf-8"
    )
    await agents.look()
    await agents.look()
    assert agents.pick("", "").voice == "ash"


def test_what_tools_are_told_to_the_model_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the file is read: a schema takes milliseconds, and each session of each call is told of all."""
    agents = book(
        tmp_path,
        "[default]\ntools = ['check_order', 'transfer_call', 't']\ndestinations = { desk = '+15550001' }\n"
        "[tools.t]\npython = 'tests.brain.unfit_tools:endless'",
    )
    monkeypatch.setattr(BaseModel, "model_json_schema", None)

    names = [each["name"] for each in agents.toolbox(agents.pick("", "")).definitions()]
    assert names == ["check_order", "transfer_call", "t"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[default]\nvoice = 7", "default.voice: expected a valid string, got 7: put it in quotes."),
        ("[default]\ntwilio_voice = 'Polly Joanna'",
         "default.twilio_voice: expected the name of a voice of Twilio's, such as Polly.Joanna, or nothing,"
         " got 'Polly Joanna'."),
        ("[default]\nvoise = 'x'", "default.voise: there is no such key. Did you mean voice?"),
        ("[default]\ntemperature = 0.8",
         "default.temperature: there is no such key. The API has no temperature any more: say in instructions"
         " how freely it may speak."),
        ("[agents.a]\nhand_over_to = { nobody = 'Anything.' }",
         "agents.a.hand_over_to: there is no agent 'nobody'. Known are: a, default."),
        ("[agents.a]\nheaders = { authorization = 'Bearer sk-hunter2\u00e9' }",
         "agents.a.headers.authorization: expected a line of printable ASCII, 2000 characters at most, got"
         " something else."),
        ("[default]\nlanguage = 'english'",
         "default.language: expected a language as ISO 639-1 writes it, such as he, a tag such as en-US, or"
         " nothing, got 'english'."),
        ("[agents.a]\nnumbers = ['0049']",
         "agents.a.numbers.0: expected a number such as +15551234567 (E.164), got '0049'."),
        ("[agents.a]\nspeed = 9.0", "agents.a.speed: expected a value less than or equal to 1.5, got 9.0."),
        ("[agents.a]\ntools = ['end_cal']",
         "agents.a.tools: there is no 'end_cal'. Did you mean end_call? Known are: check_order, end_call, "
         "hand_over, hold, pause_recording, send_digits, transfer_call."),
        ("[agents.a]\ntools = ['transfer_call']",
         "agents.a.destinations: expected at least one, since tools has transfer_call: write destinations ="
         ' { front_desk = "+15551234567" }.'),
        ("[agents.a]\nnumbers = ['+15550001']\n[agents.b]\nnumbers = ['+15550001']",
         "agents.b.numbers: +15550001 is agents.a's already: remove one."),
        ("[default]\nnumbers = ['+15550001']",
         "default.numbers: the default agent takes every other number: remove this key."),
        ("[agents.default]\nvoice = 'marin'",
         "agents.default: the default agent is the table [default]: rename this one."),
        ("[default]\ndestinations = { desk = '+15550001' }\n"
         "[agents.a]\ntools = ['transfer_call']\ndestinations = {}",
         "agents.a.destinations: expected at least one, since tools has transfer_call: write destinations ="
         ' { front_desk = "+15551234567" }.'),
        ("[tools.t]\nurl = 'https://x.example'\nsecret_env = 'BAD_SECRET'",
         "tools.t.secret_env: BAD_SECRET: expected base64 after whsec_, or a text without it"),
        ("[tools.t]\npython = 'tests.brain.unfit_tools:unknown_hint'",
         "tools.t.python: tests.brain.unfit_tools:unknown_hint has parameters that no schema can be made of:"
         " NameError: name 'Nowhere' is not defined"),
        ("[tools.t]\npython = 'tests.brain.unfit_tools:leaves'",
         "tools.t.python: tests.brain.unfit_tools has no leaves."),
        ("[tools.t]\npython = 'tests.brain.unfit_tools:unknown_hin'",
         "tools.t.python: tests.brain.unfit_tools has no unknown_hin. Did you mean unknown_hint?"),
        ("[tools.t]\npython = 'tests.brain.unfit_tools:callback'",
         "tools.t.python: tool callback has parameters that no schema can be made of: Cannot generate a"
         " JsonSchema for core_schema.CallableSchema"),
        ("[tools.t]\npython = 'brain.tools.demo:_STATES'",
         "tools.t.python: expected a function at brain.tools.demo:_STATES, got tuple: decorate one with"
         " brain.tools.tool"),
        ("[tools.t]\npython = 'tests.brain.unfit_module:anything'",
         "tools.t.python: tests.brain.unfit_module cannot be imported: SystemExit: 1"),
        ("[tools.t]\npython = 'brain.tools.demo:check_order'\nretries = 2\nmethod = 'PUT'",
         ["tools.t.method: is for tools with url, and this one has python: remove it.",
          "tools.t.retries: is for tools with url, and this one has python: remove it."]),
        ("[tools.end_call]\nurl = 'https://x.example'",
         "tools.end_call: end_call is built in: choose another name."),
        ("[tools.t]\nurl = 'https://x.example'\nparameters = { model = { type = 'string' } }",
         'tools.t.parameters: expected a JSON schema with type = "object", since arguments have names.'),
        ("[tools.t]\nurl = 'https://x.example'\n"
         "parameters = { type = 'object', properties = { model = 'string' } }",
         "tools.t.parameters: expected a JSON schema, but properties.model: 'string' is not of type"
         " 'object', 'boolean'."),
        ("[tools.t]\nurl = 'https://x.example'\nparameters = { type = 'object', anyOf = [{}] }",
         "tools.t.parameters: expected no anyOf at the top, which the model's provider refuses: use it in a"
         " property."),
        ("[tools.t]\nurl = 'https://x.example'\n"
         "parameters = { type = 'object', properties = { ids = { type = 'array' } } }",
         "tools.t.parameters: expected items in properties.ids, which is an array: the model's provider"
         " demands them."),
        ("[tools.t]\npython = 'tests.brain.unfit_tools:listed'",
         "tools.t.python: the schema of tests.brain.unfit_tools:listed is refused: expected items in"
         " properties.ids, which is an array: the model's provider demands them"),
        ("[tools.t]\nurl = 'https://x.example'\n"
         "parameters = { type = 'object', '$ref' = 'http://y.example' }",
         "tools.t.parameters: expected a whole JSON schema, got one with a $ref to elsewhere: nothing is"
         " fetched."),
        ("[tools.t]\nurl = 'https://x.example'\nsecret_env = 'whsec_MfKQ9r8GKYqrTwjU'",
         "tools.t.secret_env: expected the name of an environment variable, such as SHOP_SECRET, got"
         " something else; a secret itself belongs into the environment, not into this file."),
        ("[tools.t]\nurl = 'http://localhost:80@evil.example/x'",
         "tools.t.url: expected an https:// URL (http:// for a loopback host only), got one with an @."),
        ("[tools.t]\nurl = 'https://me:hunter2@shop.example/x'",
         "tools.t.url: expected an https:// URL (http:// for a loopback host only), without a name and"
         " password: they would stand in logs, got one with an @."),
        ("[tools.t]\nurl = 'https:// shop.example'",
         "tools.t.url: expected an https:// URL (http:// for a loopback host only), got"
         " 'https:// shop.example'."),
        ("[tools.t]\nurl = 'https://shop.example:99999'",
         "tools.t.url: expected an https:// URL (http:// for a loopback host only), got"
         " 'https://shop.example:99999'."),
        ("[mcp.m]\nserver_url = 'http://localhost:1'",
         "mcp.m.server_url: expected an https:// URL, which the model's provider can reach, got"
         " 'http://localhost:1'."),
        ("[default]\nlimits = 5",
         "default.limits: expected a table, got 5: write it as [a table], or in {braces}."),
        ("[default]\nhard_cap_s = 5", "default.hard_cap_s: there is no such key. It stands in limits."),
        ("greeting = 'hi'",
         "greeting: there is no such key. It stands in [default] and [agents.<name>]."),
        ("[agents.'front desk']\nvoice = 'x'",
         "agents.front desk: expected 1 to 64 letters, digits, - and _, got 'front desk'."),
        ("[default]\nvoice = 'x'\nvoice = 'y'\n",
         "expected TOML, but: Cannot overwrite a value (at line 3, column 12): voice = 'y'"),
        ("[default]\ntools = ['transfer_call']\ndestinations = { desk = '+15550001' }\n"
         "[agents.a]\ndestinations = {}",
         "agents.a.destinations: expected at least one, since tools has transfer_call: write destinations ="
         ' { front_desk = "+15551234567" }.'),
        ("[tools.t]\ndescription = 'x'", "tools.t: expected either python or url, got neither."),
        ("[tools.t]\npython = 'no.such:thing'",
         "tools.t.python: no.such cannot be imported: ModuleNotFoundError: No module named 'no'"),
        ("[tools.t]\nurl = 'http://example.com'",
         "tools.t.url: expected an https:// URL (http:// for a loopback host only), got"
         " 'http://example.com'."),
        ("[mcp.m]\nserver_url = 'https://x.example'\nauthorization_env = 'NOT_SET'",
         "mcp.m.authorization_env: expected NOT_SET in the environment or in .env, got nothing: set it"),
    ],
)  # fmt: skip
def test_a_problem_names_its_key_and_what_to_do(tmp_path: Path, text: str, found: str | list[str]) -> None:
    """The exact path, what was expected, what came; never what may be a secret."""
    assert problems(tmp_path, text) == ([found] if isinstance(found, str) else found)


def test_a_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    """Editors of Windows write one."""
    assert book(tmp_path, "\ufeff[default]\nvoice = 'cedar'").pick("", "").voice == "cedar"


async def test_a_python_tool_has_the_limit_and_the_words_of_its_table(tmp_path: Path) -> None:
    """What is left out is the function's own."""
    agents = book(
        tmp_path,
        "[default]\ntools = ['slow', 'own']\nlimits = { tool_s = 60.0 }\n"
        "[tools.slow]\npython = 'tests.brain.unfit_tools:endless'\ntimeout_s = 0.05\ndescription = 'Wait.'\n"
        "[tools.own]\npython = 'tests.brain.unfit_tools:endless'",
    )
    box = agents.toolbox(agents.pick("", ""))

    assert [each["description"] for each in box.definitions()] == ["Wait.", "Never end."]
    assert (await box.run("slow", "{}", CONTEXT, "c1")).output == (
        '{"error":"the tool did not answer within 0.05 s"}'
    )


def test_secrets_are_in_the_session_and_nowhere_else(tmp_path: Path) -> None:
    """The token of an MCP server goes to the model's provider, never to the card."""
    agents = book(
        tmp_path,
        "[mcp.docs]\nserver_url = 'https://docs.example'\nauthorization_env = 'DOCS'\n"
        "[default]\nmcp = ['docs']",
        DOCS="secret-token",
    )
    agent = agents.pick("", "")

    definitions = agents.toolbox(agent).definitions()

    assert definitions[-1]["authorization"] == "secret-token"
    assert session_config(agent, definitions)["tools"][-1]["type"] == "mcp"  # type: ignore[index]
    assert "secret-token" not in agent.snapshot()
    assert "secret-token" not in repr(orjson.loads(agent.snapshot()))


async def test_tools_of_the_file_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain function with hints is enough; transfers know the agent's own destinations only."""
    (tmp_path / "shop_tools.py").write_text(
        'def stock(model: str) -> str:\n    """Look it up."""\n    return f"{model}: 3"\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    agents = book(
        tmp_path,
        "[tools.stock]\npython = 'shop_tools:stock'\n"
        "[agents.sales]\ntools = ['stock', 'transfer_call']\ndestinations = { desk = '+15550003333' }",
    )
    box = agents.toolbox(agents.pick("sales", ""))

    found = await box.run("stock", '{"model": "city"}', CONTEXT, "c1")
    moved = await box.run("transfer_call", '{"destination": "desk"}', CONTEXT, "c2")
    invented = await box.run("transfer_call", '{"destination": "boss"}', CONTEXT, "c3")

    assert found.output == "city: 3"
    assert (moved.effect is not None, invented.outcome) == (True, "bad_arguments")
    assert "'desk'" in invented.output


def test_a_secret_may_stand_in_the_file_of_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the others; the environment goes before it, and a file that cannot be read is a wrong set-up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    (tmp_path / ".env").write_text("SHOP_SECRET=from-the-file\n", "utf-8")
    (tmp_path / "agents.toml").write_text(
        '[mcp.shop]\nserver_url = "https://x.example"\nauthorization_env = "SHOP_SECRET"\n'
        '[default]\nmcp = ["shop"]\n', "utf-8",
    )  # fmt: skip
    (server,) = AgentBook(load(env_file=None), get_log()).agents[0].mcp
    assert server["authorization"] == "from-the-file"
    monkeypatch.setenv("SHOP_SECRET", "from-the-environment")
    (server,) = AgentBook(load(env_file=None), get_log()).agents[0].mcp
    assert server["authorization"] == "from-the-environment"
    (tmp_path / ".env").write_text("not a setting\n", "utf-8")
    with pytest.raises(EnvFileError):
        AgentBook(load(env_file=None), get_log())
