"""One agent of its table, the default and the settings: what is inherited, what goes together."""

from __future__ import annotations

import pytest

from brain.agents.agent import Agent, default_agent
from brain.agents.file import AgentTable, parse
from brain.agents.merging import OWN_WAY, merged
from shared.settings import load

SECRETS = {"KEY": "hunter2"}


def agents(text: str) -> dict[str, Agent]:
    tables = parse(text, ("end_call",))

    def secret(variable: str, _key: str) -> str:
        return SECRETS[variable]

    base = merged(default_agent(load(env_file=None)), tables.default, {}, secret)
    return {"default": base, **{name: merged(base, each, {}, secret) for name, each in tables.agents.items()}}


def test_each_key_is_the_agents_in_the_same_form_or_is_taken_care_of() -> None:
    """A key that is forgotten here would be read, and do nothing; one that is no longer there, neither."""
    fields = set(Agent.__dataclass_fields__)

    assert set(AgentTable.model_fields) >= OWN_WAY
    assert set(AgentTable.model_fields) - OWN_WAY <= fields


def test_what_an_agent_leaves_out_is_the_defaults() -> None:
    """Of a table in a table too; a list takes the place of another."""
    found = agents(
        "[default]\nreasoning_effort = 'low'\nparallel_tool_calls = false\n"
        "truncation = { kind = 'retention_ratio', retention_ratio = 0.5 }\n"
        "transcription_keywords = ['Trunkline']\n"
        "[agents.a]\ntruncation = { retention_ratio = 0.7 }\ntranscription_keywords = []"
    )["a"]

    assert (found.reasoning_effort, found.parallel_tool_calls) == ("low", False)
    assert (found.truncation.kind, found.truncation.retention_ratio) == ("retention_ratio", 0.7)
    assert found.transcription_keywords == ()


def test_variables_are_added_to_those_of_the_default() -> None:
    """One name has one value: the agent's own."""
    found = agents("[default]\nvariables = { shop = 'Ann', city = 'Berlin' }\n"
                   "[agents.a]\nvariables = { city = 'Rome' }")  # fmt: skip

    assert found["a"].variables == {"shop": "Ann", "city": "Rome"}
    assert found["default"].variables == {"shop": "Ann", "city": "Berlin"}


def test_words_of_a_stored_prompt_and_words_of_the_file_take_each_others_place() -> None:
    """Both at once only where one table says both: else what is inherited would hide what was chosen."""
    found = agents(
        "[default]\ninstructions = 'Be brief.'\n"
        "[agents.stored]\nprompt = { id = 'pmpt_1', version = '2', variables = { city = 'Rome' } }\n"
        "[agents.both]\nprompt = { id = 'pmpt_1' }\ninstructions = 'Be loud.'\n"
        "[agents.none]\nprompt = { id = '' }\n"
    )
    own = agents("[default]\nprompt = { id = 'pmpt_1' }\n[agents.own]\ninstructions = 'Be loud.'")["own"]

    stored = found["stored"]
    assert stored.prompt is not None
    assert (stored.prompt.id, stored.prompt.version, stored.prompt.variables) == (
        "pmpt_1", "2", {"city": "Rome"},
    )  # fmt: skip
    assert (stored.instructions, stored.is_stored) == ("", True)
    assert (found["both"].instructions, found["both"].is_stored) == ("Be loud.", False)
    assert (found["none"].instructions, found["none"].prompt) == ("Be brief.", None)
    assert (own.instructions, own.prompt) == ("Be loud.", None)


def test_headers_have_their_secrets_from_elsewhere() -> None:
    """Together they are the agent's; those of the default are its whole set, or none of it."""
    found = agents(
        "[default]\nheaders = { X-Project = 'p' }\n"
        "[agents.a]\nheaders_env = { api-key = 'KEY' }\nsafety_identifier_env = 'KEY'"
    )

    assert found["default"].headers == {"X-Project": "p"}
    assert found["a"].headers == {"api-key": "hunter2"}
    assert found["a"].safety_key == "hunter2"


def test_a_secret_that_is_missing_is_asked_for_by_its_key() -> None:
    """Whoever asks is named."""
    asked = []

    def secret(variable: str, key: str) -> str:
        asked.append((variable, key))
        return "x"

    table = AgentTable(headers_env={"api-key": "KEY"}, safety_identifier_env="SALT")
    merged(default_agent(load(env_file=None)), table, {}, secret, "agents.a.")

    assert asked == [("KEY", "agents.a.headers_env.api-key"), ("SALT", "agents.a.safety_identifier_env")]


@pytest.mark.parametrize(
    ("text", "voice", "language"),
    [
        ("language = 'he'", "Polly.Joanna", "en"),
        ("language = 'he'\napology = 'סליחה'", "", ""),
        ("language = 'en'", "Polly.Joanna", ""),
    ],
)
def test_words_of_the_default_are_read_in_its_language(text: str, voice: str, language: str) -> None:
    """An agent of another language that has no words of its own says them as the default does."""
    found = agents(f"[default]\nlanguage = 'en'\ntwilio_voice = 'Polly.Joanna'\n[agents.a]\n{text}")["a"]

    assert (found.twilio_voice, found.twilio_language) == (voice, language)
