"""What a reader cannot see at a glance, held: one contract, rooms, floors, doors, purity, sizes, declared
state.

Each rule has a sample that fails. The finders are in tests/support/layout.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from shared.contract import card, record, views, window, worker
from shared.contract.lua.scripted import SCRIPTED
from shared.contract.streams import control, history, hooks, journal, pairs, reply
from tests.support import layout
from tests.support.layout import ROOT, modules, name_of

ROLES = ("ingress", "brain", "egress")
PACKAGES = (*ROLES, "shared", "simulators", "console", "proofs")
"""All that is shipped or run; the three roles first."""

PRODUCT = (*ROLES, "shared", "console")
"""What speaks over Redis."""

MAY_IMPORT = {
    "ingress": {"shared"},
    "brain": {"shared"},
    "egress": {"shared"},
    "shared": set[str](),
    "simulators": set[str](),
    "console": {"shared", "simulators"},
    "proofs": {"shared", "simulators", "console", *ROLES},
}
"""What proves and documents the roles looks into them; nothing looks into it."""

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_MODULES_A_FOLDER = 14


# 1. The contract.


def words() -> frozenset[str]:
    """Everything that two processes must agree on, by name."""
    records = (
        *card.WRITERS, *views.READERS, window.BrainWindow, window.IngressWindow, window.PipelineFigures,
        worker.Beat, control.FlushedItem, *control.KINDS.values(), *history.KINDS.values(),
    )  # fmt: skip
    enums = (
        card.CallState,
        card.Next,
        hooks.Event,
        journal.Kind,
        pairs.OutKind,
        pairs.BackKind,
        reply.ReplyKind,
    )
    found = {name for kind in records for name in record.names(kind)}
    found |= {str(each) for kind in enums for each in kind}
    found |= set(SCRIPTED) | set(control.KINDS) | set(history.KINDS)
    return frozenset(found - {""} - set(worker.ROLES))


FOREIGN: dict[str, tuple[str, frozenset[str]]] = {
    "brain/agents/check.py": ("JSON for people", frozenset({"name"})),
    "brain/caller/away.py": ("a tool's result, for the model", frozenset({"reason", "status"})),
    "brain/incoming/asking.py": (
        "the body of call.incoming (docs/webhooks.md)", frozenset({"agent", "from", "to"})
    ),
    "brain/incoming/casting.py": ("a tool's result, for the model", frozenset({"agent", "status"})),
    "brain/model/realtime/gate.py": ("OpenAI's events", frozenset({"error"})),
    "brain/model/realtime/seed.py": ("OpenAI's events", frozenset({"error", "id"})),
    "brain/model/realtime/session.py": (
        "OpenAI's events", frozenset({"audio", "id", "name", "version", "voice"})
    ),
    "brain/model/realtime/socket.py": ("OpenAI's events", frozenset({"error"})),
    "brain/model/realtime/translate.py": (
        "OpenAI's events",
        frozenset({"audio", "call_id", "error", "id", "item", "name", "response", "role", "text"}),
    ),
    "brain/sequencer/session.py": ("why a session was left", frozenset({"rollover"})),
    "brain/tools/demo.py": ("a tool's result, for the model", frozenset({"error", "status"})),
    "brain/tools/function.py": ("a tool as OpenAI defines it", frozenset({"name"})),
    "brain/tools/http.py": (
        "the request of an HTTP tool (docs/agents.md)",
        frozenset({"agent", "call_id", "called", "name", "tool"}),
    ),
    "brain/tools/schemas.py": ("JSON Schema", frozenset({"items"})),
    "brain/tools/toolbox.py": ("a tool's result, for the model", frozenset({"error"})),
    "brain/webhooks/events.py": (
        "the bodies of webhooks (docs/webhooks.md)",
        frozenset({
            "agent", "call_id", "cause", "from", "leg", "outcome", "resumes", "role", "status", "text", "to",
            "tool", "usage",
        }),
    ),
    "brain/webhooks/turns.py": (
        "the bodies of webhooks (docs/webhooks.md)",
        frozenset({"call_id", "ms", "tool"}),
    ),
    "console/calls/data.py": (
        "JSON for users",
        frozenset({
            "agent", "at_ms", "audible_response", "caller_q", "calls", "capacity", "cause", "draining",
            "ended_at_ms", "host", "leg", "loop_lag_ms", "name", "outcome", "owed_cause", "owed_ms", "phase",
            "pid", "pipeline", "response_ms", "role", "started_at_ms", "state", "stream", "text", "verdict",
            "version", "why", "worker",
        }),
    ),
    "console/doctor/brain.py": ("JSON of brain.agents.check", frozenset({"agent", "cause", "voice"})),
    "console/doctor/facts.py": ("the JSON of others: a brain's check, Redis", frozenset({"idle", "name"})),
    "console/doctor/host.py": ("/readyz", frozenset({"draining"})),
    "console/doctor/redis.py": ("Redis's INFO", frozenset({"role"})),
    "console/recorder/files.py": (
        "the sidecar of a recording (docs/operating.md)",
        frozenset({"caller_tag", "ended_at_ms", "from"}),
    ),
    "console/recorder/telling.py": (
        "the sidecar of a recording (docs/operating.md)",
        frozenset({"agent", "caller_tag", "ended_at_ms", "from", "outcome", "started_at_ms", "to"}),
    ),
    "console/settings_table.py": ("JSON for users", frozenset({"value"})),
    "console/keys_table.py": ("Redis's types, JSON for users", frozenset({"complete", "keys", "stream"})),
    "console/operate/commands.py": ("events of a roll", frozenset({"draining"})),
    "console/story/ending.py": (
        "outcomes and causes, in words",
        frozenset({"apology", "hangup", "idle", "quarantined"}),
    ),
    "console/web/pages.py": ("JSON for users", frozenset({"usage"})),
    "console/phone/exchange.py": ("our webhooks' URLs and parameters", frozenset({"agent", "voice"})),
    "console/phone/views.py": ("a part of a URL", frozenset({"agent"})),
    "console/phone/wire.py": ("Twilio's messages", frozenset({"dtmf", "hangup", "mark"})),
    "console/stack/foreground.py": ("a part of a URL", frozenset({"host"})),
    "console/stack/plan.py": ("a setting", frozenset({"host"})),
    "console/stack/supervision.py": ("supervisord's answers", frozenset({"name", "pid"})),
    "console/top/state.py": ("panes of the screen", frozenset({"calls"})),
    "console/top/view.py": ("panes of the screen", frozenset({"calls"})),
    "ingress/janitor/look.py": ("consumers of a group, as Redis lists them", frozenset({"name", "pending"})),
    "ingress/media/twilio.py": ("Twilio's messages", frozenset({"digit", "dtmf", "mark", "name"})),
    "ingress/web/http_protocol.py": ("a header of HTTP", frozenset({"close"})),
    "ingress/web/listening.py": ("a setting", frozenset({"host"})),
    "shared/logs/log.py": ("levels of a log", frozenset({"error"})),
    "shared/store/reach/pools.py": ("redis-py's options", frozenset({"host"})),
    "shared/store/reach/sentinels.py": ("redis-py's options", frozenset({"host"})),
    "shared/tongue.py": ("languages by ISO 639", frozenset({"id", "ms"})),
}  # fmt: skip
"""Modules that own another vocabulary which has some of the same words: whose words they are, and which."""


def spelt_outside() -> dict[str, set[str]]:
    """Words of the contract that modules outside it spell, by module."""
    found: dict[str, set[str]] = {}
    for path in modules(*PRODUCT):
        name = str(path.relative_to(ROOT))
        if name.startswith("shared/contract/"):
            continue
        spelt = {word for _, word in layout.spelt(path.read_text("utf-8"), words())}
        if spelt:
            found[name] = spelt
    return found


def test_only_the_contract_spells_the_contract() -> None:
    """No field, kind, plan or figure is named outside it, but where another's vocabulary has the same
    word."""
    left = {name: spelt - FOREIGN.get(name, ("", frozenset()))[1] for name, spelt in spelt_outside().items()}
    assert {name: spelt for name, spelt in left.items() if spelt} == {}


def test_other_vocabularies_are_no_larger_than_they_must_be() -> None:
    """An exemption that is not used any more goes."""
    outside = spelt_outside()
    unused = {name: foreign - outside.get(name, set()) for name, (_, foreign) in FOREIGN.items()}
    assert {name: spelt for name, spelt in unused.items() if spelt} == {}


@pytest.mark.parametrize(
    "source",
    [
        "card['frame_n']",
        "card.get('frame_n', 0)",
        "found = {'frame_n': 1}",
        "if kind == 'frame_n': ...",
        "if kind in ('x', 'frame_n'): ...",
        "match kind:\n    case 'frame_n': ...",
        "words = [b'frame_n']",
        "pen.note(sid, 'frame_n')",
    ],
)
def test_a_word_of_the_contract_is_found(source: str) -> None:
    """As key, in a comparison or a case, as bytes; not as the name of a field in a log line."""
    assert [word for _, word in layout.spelt(source, words())] == ["frame_n"]
    assert list(layout.spelt("log.info('x', frame_n=1)", words())) == []


SCRIPTED_STREAMS = {"calls": "written by the scripts ATTACH and RESTORE"}


def two_sides(source: str) -> tuple[bool, bool]:
    """Whether a module has a writer, and a reader."""
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    writes = any(re.search(r"(_fields|_command|_commands|Packer)$", name) for name in names)
    return writes, any(name.startswith("read_") for name in names)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "shared/contract/streams").glob("[a-z]*.py")), ids=lambda p: p.stem
)
def test_writer_and_reader_stand_in_one_module(path: Path) -> None:
    """Of each stream, but for those that only scripts write."""
    assert two_sides(path.read_text("utf-8")) == (path.stem not in SCRIPTED_STREAMS, True)


def test_a_reader_alone_is_found() -> None:
    """The check above can fail."""
    assert two_sides("def read_reply(): ...") == (False, True)
    assert two_sides("def reply_fields(): ...") == (True, False)


# 2. Rooms.

CROWDED = {
    "brain/sequencer": "one idea a file, walked in the order of its map",
}


def crowd(folder: Path) -> int:
    """How many modules a folder holds; its map and its entry are none."""
    return len([path for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")])


def folders() -> list[Path]:
    """Every package of ours."""
    return sorted({path.parent for path in modules(*PACKAGES)})


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_can_be_seen_at_a_glance(folder: Path) -> None:
    """At most fourteen modules, but for one that says why."""
    assert crowd(folder) <= MAX_MODULES_A_FOLDER or str(folder.relative_to(ROOT)) in CROWDED


def test_a_crowd_is_counted(tmp_path: Path) -> None:
    """The check above can fail."""
    for number in range(15):
        (tmp_path / f"m{number}.py").touch()
    (tmp_path / "__init__.py").touch()
    assert crowd(tmp_path) == 15


def stutters(folder: Path) -> list[str]:
    """Modules that begin with the name of their folder, or of a module beside them."""
    names = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    before = {folder.name.rstrip("s"), folder.name, *names}
    return [name for name in names for word in before if word != name and name.startswith(f"{word}_")]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_file_says_its_folder_again(folder: Path) -> None:
    """A prefix that several files share is a folder in disguise."""
    assert stutters(folder) == []


def test_a_stutter_is_found(tmp_path: Path) -> None:
    """The check above can fail."""
    room = tmp_path / "doctor"
    room.mkdir()
    for name in ("doctor_host", "redis", "redis_check"):
        (room / f"{name}.py").touch()
    assert sorted(stutters(room)) == ["doctor_host", "redis_check"]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_package_is_its_own_map(folder: Path) -> None:
    """`__init__` lists every module and package of the folder, once, a line each."""
    listed = layout.mapped((folder / "__init__.py").read_text("utf-8"))
    assert len(listed) == len(set(listed))
    assert set(listed) - {"__main__"} == layout.contents(folder)


def test_a_line_of_a_map_is_read() -> None:
    """The check above can fail: a module that is not listed, a package without its slash."""
    text = '"""A room.\n\nOwns: things.\n\n    door    the way in\n    wall/   what holds\n"""'
    assert layout.mapped(text) == ["door", "wall/"]


DRIVERS = {"ingress": "IngressCall", "brain": "BrainCall", "egress": "EgressCall"}


def classes(source: str) -> list[str]:
    """Public classes."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


@pytest.mark.parametrize("role", ROLES)
def test_the_driver_of_a_call_is_where_one_looks(role: str) -> None:
    """`call.py`, and its class says whose it is."""
    (found,) = [path for path in modules(role) if path.name == "call.py"]
    assert DRIVERS[role] in classes(found.read_text("utf-8"))


def twice(sources: dict[str, str]) -> dict[str, list[str]]:
    """Public class names that stand in two modules."""
    found: dict[str, list[str]] = {}
    for name, text in sources.items():
        for each in classes(text):
            found.setdefault(each, []).append(name)
    return {each: places for each, places in found.items() if len(places) > 1}


TWINS = {
    "Audible": "egress's message, and the input that the brain makes of it",
    "Heard": "egress's message, and the input that the brain makes of it",
    "Silent": "egress's message, and the input that the brain makes of it",
    "Flushed": "egress's message, and the input that the brain makes of it",
    "FlushedItem": "a part of both",
    "HangUp": "what an operator asks for, and what the sequencer does when it is time",
}
"""Names that stand twice on purpose: the same thing before and behind a border."""


def test_one_name_for_one_thing() -> None:
    """In the roles and what they share a public class name stands once."""
    sources = {name_of(path): path.read_text("utf-8") for path in modules(*ROLES, "shared")}
    assert set(twice(sources)) == set(TWINS)


def test_a_name_for_two_things_is_found() -> None:
    """The check above can fail."""
    assert twice({"a": "class Verdict: ...", "b": "class Verdict: ...", "c": "class _Verdict: ..."}) == {
        "Verdict": ["a", "b"]
    }


# 3. Floors.

FLOORS: dict[str, list[list[str]]] = {
    "shared": [
        ["process"], ["ownership"], ["store"], ["setting.sources", "caller_tag"], ["settings"],
        ["setting"],
        ["figures"], ["contract"], ["logs"], ["env_file", "exit_codes", "redis_url"],
        ["forms", "tongue", "sound"],
        ["resp", "clock", "audio", "mulaw", "public_port", "heard"],
    ],
    "ingress": [
        ["__main__"], ["role"], ["web", "janitor", "rescue"], ["calls"], ["media", "tape"],
        ["counters", "sound"], ["calls.fence", "rescue.stranded"], ["errors"],
    ],
    "brain": [
        ["__main__"], ["role", "agents.check"], ["call"], ["incoming"], ["takeover"], ["webhooks"],
        ["caller", "memory", "telling"],
        ["model"], ["agents"], ["tools"], ["counters"], ["sequencer", "sound"],
        ["signing", "trust_store", "json_fields", "errors", "variables"],
    ],
    "egress": [
        ["__main__"], ["role"], ["calls"], ["counters"], ["delivery"], ["takeover"], ["pacing"], ["reply"],
        ["heard"], ["actions"],
    ],
    "console": [
        ["__main__"], ["app", "web.__main__", "archive.__main__", "recorder.__main__"], ["trial"],
        ["demo", "operate.commands", "calls.commands", "web.commands", "archive.commands",
         "recorder.commands", "listen.commands"],
        ["web.server"], ["phone", "listen.views"], ["web"],
        ["operate", "stack.foreground"], ["doctor", "top"], ["leave"], ["options"],
        ["keys_table", "settings_table"], ["story", "archive"], ["recorder", "listen"], ["calls", "stack"],
        ["interrupts", "style", "text", "tries"],
    ],
    "proofs": [["simulate", "bench"], ["prove", "pages"], ["measure"]],
}  # fmt: skip
"""Rooms of each package, the highest first; imports go down only. Rooms of one floor do not know one
another."""


def graph(package: str) -> dict[str, set[str]]:
    """Which modules of a package import which."""
    return layout.arrows({name_of(path): path.read_text("utf-8") for path in modules(package)})


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    """Roles import shared, never one another; shared imports none of them; nothing imports proofs."""
    for path in modules(package):
        foreign = (layout.roots(ast.parse(path.read_text("utf-8"))) & set(PACKAGES)) - {package}
        assert foreign <= MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {foreign}"


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_imports_go_down_only(package: str) -> None:
    """Inside a package too."""
    assert layout.climbs(package, FLOORS[package], graph(package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle(package: str) -> None:
    """Whatever imports a module is never imported by it, by any way."""
    assert layout.circles(graph(package)) == []


def test_a_climb_and_a_circle_are_found() -> None:
    """The checks above can fail."""
    sources = {"p.high.a": "from p.low import b", "p.low.b": "import p.high.a", "p.x": ""}
    arrows = layout.arrows(sources)
    assert layout.climbs("p", [["high"], ["low"]], arrows) == [
        "p.low.b imports p.high.a",
        "p.x stands on no floor",
    ]
    assert layout.circles(arrows) == [["p.high.a", "p.low.b", "p.high.a"]]


# 4. Doors.

DOORS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "brain/call/call.py": (frozenset({"_step"}), frozenset({"_perform", "_arm"})),
    # The metronome's tick takes no input and stays cheap: fifty times a second a call.
    "egress/calls/call.py": (frozenset({"_step", "tick"}), frozenset({"_perform"})),
    "ingress/media/stream.py": (frozenset({"_give"}), frozenset({"_perform"})),
}
"""Drivers: the function that alone may call these methods, and the methods."""


@pytest.mark.parametrize("path", sorted(DOORS))
def test_a_core_has_one_door(path: str) -> None:
    """One function reads the clock, calls the core, performs its actions, arms its timer; nothing else
    does."""
    doors, guarded = DOORS[path]
    source = (ROOT / path).read_text("utf-8")
    assert all(f"def {door}(" in source for door in doors)
    assert layout.outside_the_door(source, doors, guarded) == []


def test_a_second_door_is_found() -> None:
    """The check above can fail."""
    source = (
        "class C:\n"
        "    def step(self):\n        self._perform(1)\n        self._arm()\n"
        "    def other(self):\n        self._perform(2)\n"
    )
    assert layout.outside_the_door(source, frozenset({"step"}), frozenset({"_perform", "_arm"})) == [
        (6, "_perform")
    ]


# 5. Purity.


def test_what_says_pure_is_pure() -> None:
    """The word in a module's docstring is a promise: no clock, socket, environment, Redis, task."""
    bad = {}
    for path in modules(*PACKAGES):
        text = path.read_text("utf-8")
        if layout.promises_purity(text) and layout.impurities(text):
            bad[str(path.relative_to(ROOT))] = layout.impurities(text)
    assert bad == {}


@pytest.mark.parametrize("core", ["brain/sequencer", "shared/contract"])
def test_whole_rooms_are_pure(core: str) -> None:
    """Whether their modules say so or not."""
    for path in modules(core):
        assert layout.impurities(path.read_text("utf-8")) == set(), path.name


@pytest.mark.parametrize(
    "line", ["import asyncio", "from time import monotonic", "from shared.clock import now_ms"]
)
def test_an_impurity_is_found(line: str) -> None:
    """The check above can fail."""
    source = f'"""A rule. Pure. Must not know: Redis."""\n{line}\n'
    assert layout.promises_purity(source)
    assert len(layout.impurities(source)) >= 1
    assert not layout.promises_purity('"""Pure but for the clock."""')


# 6. Tests.

UNTESTED: dict[str, str] = {
    "brain/sequencer/actions.py": "plain records; each is performed in tests/brain/call/test_call.py",
    "console/stack/supervisord.py": "it becomes supervisord; test_launcher.py kills its launcher",
    "egress/actions.py": "plain records; each is performed in tests/egress/calls/test_call.py",
    "proofs/bench/peers/openai_agents.py": "needs an environment of its own; run whole by make bench",
    "proofs/bench/peers/pipecat_ai.py": "needs an environment of its own; run whole by make bench",
    "proofs/measure/plain_bridge.py": "run whole by make prove-pipeline",
    "proofs/pages/design.py": "held by tests/test_design_page.py",
    "proofs/pages/sequencer.py": "held by tests/test_docs.py",
    "proofs/pages/terminal.py": "held by tests/e2e/test_top.py",
    "proofs/prove/mutants.py": "run whole by make prove-mutants",
    "proofs/prove/operations.py": "run whole by make prove-operations; rules in faults and verdicts",
    "proofs/prove/sequencer.py": "run whole by make prove-sequencer",
    "proofs/prove/roles/slow_tools.py": "one tool, called in make prove-conversation",
    "shared/audio.py": "figures of a format, nothing that could be wrong alone",
    "shared/contract/command.py": "a plain record of two fields",
    "shared/ownership/counters.py": "declared fields; exported in tests/shared/process/test_metrics.py",
    "shared/store/writing/counters.py": "declared fields; counted in test_outbox.py and test_inbox.py",
    "shared/store/writing/writer.py": "words alone: outbox.py and outboxes.py are held to them by mypy",
    "simulators/clips/make.py": "run by hand, needs espeak-ng and sox; test_clips.py holds its result",
    "simulators/twilio/codes.py": "numbers only",
}
"""Modules without a test file of their name, each with the reason. The list only shrinks."""

UNTESTED_AT_MOST = 21


def without_a_test() -> set[str]:
    """Modules that have no test file of their name in the mirrored folder."""
    found = set()
    for path in modules(*PACKAGES):
        name = path.relative_to(ROOT)
        if path.stem in ("__init__", "__main__"):
            continue
        if not (ROOT / "tests" / name.parent / f"test_{path.stem}.py").exists():
            found.add(str(name))
    return found


def test_a_module_has_its_test() -> None:
    """A file of its name under tests/, or a reason; and no reason for what has one by now."""
    assert without_a_test() == set(UNTESTED)


def test_the_exceptions_only_shrink() -> None:
    """Whoever adds one has to raise this figure, and to say why."""
    assert len(UNTESTED) <= UNTESTED_AT_MOST
    assert all(len(reason) > 10 for reason in UNTESTED.values())


# 7. Habits.


def test_state_is_declared_never_probed() -> None:
    """No hasattr, no getattr with a default: a missing field is an error in the first test that meets it."""
    for path in modules(*PACKAGES):
        found = list(layout.probes(path.read_text("utf-8")))
        assert not found, f"{path.relative_to(ROOT)}: lines {found}"


def test_no_exception_is_swallowed() -> None:
    """No bare except; none that only passes; nothing broad or passed over without the reason beside it."""
    for path in modules(*PACKAGES):
        found = list(layout.swallows(path.read_text("utf-8")))
        assert not found, f"{path.relative_to(ROOT)}: lines {found}"


@pytest.mark.parametrize(
    "source",
    [
        "hasattr(call, 'cut')",
        "builtins.hasattr(a, 'b')",
        "getattr(call, 'cut', 0)",
        "call.__dict__.get('cut')",
    ],
)
def test_a_probe_is_found(source: str) -> None:
    """The check above can fail."""
    assert list(layout.probes(f"x = 1\n{source}")) == [2]


@pytest.mark.parametrize(
    "handler",
    [
        "except:\n    log()",
        "except OSError:\n    pass",
        "except OSError:\n    pass  # It is gone.",
        "except OSError:\n    ...",
        "except OSError:\n    'nothing'",
        "except Exception:\n    log()",
        "except (ValueError, Exception):  # noqa: BLE001\n    log()",
        "except Exception:  # Whatever it is.\n    pass",
    ],
)
def test_a_swallowed_exception_is_found(handler: str) -> None:
    """The check above can fail."""
    assert list(layout.swallows(f"try:\n    f()\n{handler}")) == [3]
    assert list(layout.swallows("with contextlib.suppress(Exception):\n    f()")) == [1]
    assert list(layout.swallows("for x in y:\n  try:\n    f()\n  except OSError:\n    continue")) == [4]


@pytest.mark.parametrize(
    "handler",
    [
        "except OSError:\n    lost += 1",
        "except OSError:\n    ...  # It is gone.",
        "except Exception:  # noqa: BLE001 - foreign code\n    log()",
        "# A bug of one call.\nexcept Exception:\n    log()",
        "except BaseException:\n    close()\n    raise",
    ],
)
def test_an_exception_that_is_dealt_with_is_none(handler: str) -> None:
    """Narrow, or with its reason, or raised again."""
    assert list(layout.swallows(f"try:\n    f()\n{handler}")) == []


def too_long(text: str) -> list[str]:
    """What of a module is too long to be read without scrolling."""
    found = ["the module"] if text.count("\n") > MAX_MODULE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno
            found += [node.name] if length > MAX_FUNCTION_LINES else []
    return found


def test_modules_and_functions_stay_readable() -> None:
    """Long modules and long functions are split, not scrolled."""
    found = {str(p.relative_to(ROOT)): too_long(p.read_text("utf-8")) for p in modules(*PACKAGES)}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_what_is_too_long_is_found() -> None:
    """The check above can fail."""
    assert too_long("def f():\n" + "    x = 1\n" * 61) == ["f"]
    assert too_long("x = 1\n" * 401) == ["the module"]


def test_every_module_says_why_it_exists() -> None:
    """The docstring comes first."""
    for path in modules(*PACKAGES):
        tree = ast.parse(path.read_text("utf-8"))
        assert not tree.body or ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"


def test_one_hand_has_written_it() -> None:
    """No ruled banners, one label for what is private, one way of saying what was expected."""
    found = {str(p.relative_to(ROOT)): layout.dialects(p.read_text("utf-8")) for p in modules(*PACKAGES)}
    assert {name: habits for name, habits in found.items() if habits} == {}


@pytest.mark.parametrize(
    "text",
    ["# ------- inside", "    # -------- private\n", "# Private\n", 'raise E(f"expected 1, came {x}")'],
)
def test_another_hand_is_found(text: str) -> None:
    """The check above can fail."""
    assert layout.dialects(f"x = 1\n{text}") != []
    assert layout.dialects("# Private.\nexpected 1, got 2") == []


def test_no_machine_path_and_no_registry_in_tracked_files() -> None:
    """The project speaks of itself, not of a machine that it was written on."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    bad = re.compile(
        rb"^\s*--(extra-)?(index-url|find-links)|\"resolved\":|/root/|/home/[a-z]+/", re.MULTILINE
    )
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path != Path(__file__):
            found = bad.search(path.read_bytes())
            assert not found, f"{name}: {found and found.group()!r}"
