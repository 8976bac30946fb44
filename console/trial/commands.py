"""The command `try`: its options and help texts, and what is to be tried by them.

Owns: names and options, the reading of scenario files, the scenario of `--say`. Must not know: how a call is
tried.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from console import leave
from console.interrupts import run as run_interruptible
from console.trial.file.reading import ScenarioError, parse
from console.trial.scenario import Scenario, Words, spoken
from console.trial.wanted import Wanted, Way
from shared.exit_codes import Exit
from shared.forms import Problems
from simulators import clips

AD_HOC: Final = "call"
"""The name of a call without a scenario file."""

SOUND_SUFFIXES: Final = (".wav", ".ulaw", ".ul")

Agent = Annotated[
    str, typer.Argument(help="The agent, by its name in agents.toml.", show_default="by the called number")
]
Files = Annotated[
    list[Path] | None, typer.Option("--scenario", "-s", help="A scenario file; may be repeated.")
]
Sayings = Annotated[
    list[str] | None,
    typer.Option(
        help="What the caller says after each reply: text, a stored clip or a WAV file; may be repeated."
    ),
]
Talk = Annotated[bool, typer.Option("--talk", help="With this machine's microphone (the extra `talk`).")]
Speaker = Annotated[
    bool, typer.Option("--speaker", help="With --talk, without a headset: the agent cannot be interrupted.")
]
Live = Annotated[
    bool, typer.Option("--live", help="With the model of OPENAI_API_KEY, not the simulated one.")
]
From = Annotated[str, typer.Option("--from", help="Who calls: +1…, sip:…, anonymous.")]
To = Annotated[str, typer.Option("--to", help="Who is called: it chooses the agent.")]
Language = Annotated[str, typer.Option(help="Of what is spoken.", show_default="the agent's")]
AgentsFile = Annotated[
    Path | None, typer.Option("--agents-file", help="An agents file.", show_default="that of the settings")
]
Webhooks = Annotated[bool, typer.Option("--webhooks", help="Tell TRUNKLINE_WEBHOOK_URL of these calls too.")]
Output = Annotated[Path, typer.Option(help="Folder for recordings and pictures.")]
Junit = Annotated[Path | None, typer.Option(help="A file for CI: JUnit's XML.")]
RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run-dir", help="Folder for logs and the supervisor socket.", show_default="below .build/run"
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="try")(try_agent)


def try_agent(
    agent: Agent = "",
    scenario: Files = None,
    say: Sayings = None,
    talk: Talk = False,
    speaker: Speaker = False,
    live: Live = False,
    from_number: From = "",
    to_number: To = "",
    language: Language = "",
    agents_file: AgentsFile = None,
    webhooks: Webhooks = False,
    output: Output = Path("try-output"),
    junit: Junit = None,
    run_dir: RunDir = None,
) -> None:
    """Tries an agent on a call that costs nothing: by a scenario, by words, by what is typed, by
    microphone."""
    if sum(map(bool, (scenario, say, talk))) > 1:
        leave.fail("expected one of --scenario, --say and --talk, got more", Exit.USAGE)
    if speaker and not talk:
        leave.fail("expected --talk with --speaker, got --speaker alone", Exit.USAGE)
    settings = leave.load_settings()
    if live and not settings.openai_api_key.get_secret_value():
        problem = "--live needs OPENAI_API_KEY, which is not set; without --live the model is simulated"
        leave.fail(problem, Exit.SETTINGS)
    own = Scenario(
        name=AD_HOC, agent=agent, from_number=from_number, to_number=to_number, language=language,
        steps=spoken(*map(words_of, say)) if say else (),
    )  # fmt: skip
    read = [(over(own, _read(file)), file.parent) for file in scenario or ()]
    wanted = Wanted(
        scenarios=read or [(own, Path())],
        way=Way.TALK if talk else Way.SCENARIO if scenario or say else Way.TYPED,
        live=live,
        half_duplex=speaker,
        agents_file=agents_file,
        webhooks=webhooks,
        output=output,
        junit=junit,
        run_dir=run_dir,
    )
    from console.trial.play import play  # noqa: PLC0415 - the simulators take a second to import

    raise typer.Exit(run_interruptible(play(settings, wanted)))


def words_of(text: str) -> Words:
    """What `--say` means: a stored clip by its name, a file by its suffix, else words."""
    if text in clips.manifest():
        return Words(clip=text)
    return Words(wav=text) if Path(text).suffix.lower() in SOUND_SUFFIXES else Words(text=text)


def over(own: Scenario, read: Scenario) -> Scenario:
    """A scenario with what the command line says in its place."""
    return replace(
        read,
        agent=own.agent or read.agent,
        from_number=own.from_number or read.from_number,
        to_number=own.to_number or read.to_number,
        language=own.language or read.language,
    )


# Private.


def _read(file: Path) -> Scenario:
    """Leaves if it cannot be read, or is wrong. Raises typer.Exit."""
    try:
        return parse(file.read_text("utf-8-sig"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        leave.fail(f"{file}: expected a scenario in UTF-8, got: {error}", Exit.SETTINGS)
    except ScenarioError as error:
        _fail_with(error)


def _fail_with(error: Problems) -> NoReturn:
    """Leaves with a line for each problem. Raises typer.Exit."""
    for problem in error.problems:
        leave.complain(problem)
    raise typer.Exit(Exit.SETTINGS)
