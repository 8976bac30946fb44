"""Whether agents and model will do: the doctor's rules about what the brain's own check said. Pure.

Owns: the words for what is wrong, by the provider's own answer. Must not know: how the brain was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.doctor.findings import Finding, fail, ok
from shared.forms import url_shown

Answer = Mapping[str, object]
"""Of one agent's session, as `python -m brain.agents.check --session --json` lists them."""


def judge_agents(failed: str, listed: Sequence[str], problems: Sequence[str]) -> list[Finding]:
    """What `python -m brain.agents.check --json` said: names or problems; `failed`: why it said neither."""
    if problems:
        return [
            fail("agents file", each, "Correct it; docs/agents.md, `trunkline agents check`.")
            for each in problems
        ]
    if failed:
        return [fail("agents file", failed, "Run `trunkline agents check`.")]
    return [ok("agents file", f"{len(listed)} agent{'' if len(listed) == 1 else 's'}: {', '.join(listed)}")]


def judge_sessions(answers: Sequence[Answer], reason: str, base_url: str) -> list[Finding]:
    """What became of a session for each agent; none: nothing of use was said, for this reason."""
    if not answers:
        do = "Run `python -m brain.agents.check --session` by hand."
        return [fail("model session", reason, do)]
    good = [each for each in answers if each.get("ok")]
    found = [_refused(each, base_url) for each in answers if not each.get("ok")]
    if good:
        models = ", ".join(dict.fromkeys(str(each.get("model")) for each in good))
        slowest = max(int(str(each.get("took_ms"))) for each in good)
        count = "" if len(answers) == 1 else f"{len(good)} of {len(answers)} agents: "
        found.append(
            ok("model session", f"{count}{models}: µ-law confirmed both ways in {slowest} ms, closed again")
        )
    return found


# Private.


def _refused(answer: Answer, base_url: str) -> Finding:
    agent = str(answer.get("agent"))
    what = "model session" if agent == "default" else f"model session, agent {agent}"
    said = f": {answer['said']}" if answer.get("said") else ""
    told = f"{answer.get('cause')}: {answer.get('detail')}{said}"
    return fail(what, told, _remedy(answer, agent, base_url))


def _remedy(answer: Answer, agent: str, base_url: str) -> str:
    """By what the provider named; the first that fits."""
    said = f"{answer.get('cause')} {answer.get('detail')}"
    own = " or that of [default]" if agent == "default" else f" or that of [agents.{agent}]"
    model, voice = answer.get("model"), answer.get("voice")
    remedies = (
        (("HTTP 401", "invalid_api_key"), "Correct OPENAI_API_KEY."),
        (("HTTP 403",), "This key may not use the API from here: look at its project and permissions."),
        (
            ("HTTP 404",),
            f"Nothing answers below OPENAI_BASE_URL={url_shown(base_url)}: its path must be the API's, as in"
            f" https://api.openai.com/v1. If it is: this key has no model {model}.",
        ),
        (
            ("HTTP 429", "quota", "billing", "rate_limit"),
            "The account's quota or limit: look at it at the provider.",
        ),
        (
            ("transcription",),
            f"Correct TRUNKLINE_TRANSCRIPTION_MODEL or TRUNKLINE_LANGUAGE,{own} in the agents file.",
        ),
        (("voice",), f"There is no voice {voice!r}: correct TRUNKLINE_VOICE{own} in the agents file."),
        (
            ("model_not_found", "model"),
            f"There is no model {model} for this key: correct TRUNKLINE_MODEL{own}.",
        ),
        (("tools",), "The provider refuses a tool: its name, description or parameters (docs/agents.md)."),
        (
            (" in session.",),
            "The provider refuses what it names: correct it in the settings or the agents file.",
        ),
        (("connect_failed",), f"Is OPENAI_BASE_URL={url_shown(base_url)} right, and may this host reach it?"),
    )
    for words, do in remedies:
        if any(word in said for word in words):
            return do
    if answer.get("fatal"):
        return "Waiting does not help: look at the key and the model at the provider."
    return "Try again; it may pass."
