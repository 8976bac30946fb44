"""`make prove-mutants`: what would the tests say if sequencer, ledger, pacer or the account of owed silence
were wrong?

Why it exists: a test that cannot fail holds nothing. mutmut changes one thing at a time (an operator, a
number, a string, an argument) and runs the unit tests of that function. This runs it on a copy of the tree,
counts, and holds every mutant that no test caught against docs/mutation.md, which must say why it is
harmless. Ends with 1 for a survivor that is not explained there, and for an explanation whose mutant is gone.

`--again` keeps what the run before found out: it makes only the mutants of functions whose text has changed,
and those that survived. That is a matter of minutes, and enough while tests are written; but it does not see
that a mutant which was caught no longer is, because its test or what its function calls has changed: that
takes a whole run.

Owns: the copy, the configuration, the count, the comparison. Must not know: how mutants are made.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/mutation.md"
SOURCES = (
    "brain/sequencer",
    *(f"egress/heard/{name}.py" for name in ("accounts", "ledger", "marks", "playback", "stops")),
    *(f"egress/pacing/{name}.py" for name in ("answers", "pacer", "standstill")),
    "ingress/calls/owed.py",
)
TESTS = (
    "tests/brain/sequencer",
    *(
        f"tests/egress/heard/test_{name}.py"
        for name in ("accounts", "ledger", "ledger_responses", "marks", "playback", "stops")
    ),
    *(f"tests/egress/pacing/test_{name}.py" for name in ("answers", "pacer", "standstill")),
    "tests/egress/test_delivery.py",
    *(f"tests/ingress/calls/test_{name}.py" for name in ("owed", "owed_caller", "owed_clip", "owed_marks")),
)
BESIDE = (
    *["brain", "egress", "ingress", "shared", "simulators", "console", "proofs", "tests", "docs"],
    "README.md",
)
DESELECTED = ("tests/brain/sequencer/test_machine.py", "tests/ingress/calls/test_owed.py::TestAnyOrder")
"""Random by nature: whether it catches a mutant would change from run to run."""

WALK_DEPTH = "4"
"""One less than in `make test`: a walk costs ten times as much a step, and there are thousands of mutants."""

KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {33, 5}
"""Exit codes of pytest for a mutant, as mutmut keeps them; any other one is a time-out: caught as well."""

CAUGHT = ("killed", "timed out")
OUTCOMES = (*CAUGHT, "survived", "untested", "not run")

BEGIN, END = "<!-- score:begin -->", "<!-- score:end -->"
"""Between them stands the score in docs/mutation.md."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, and the line before and after it."""

    name: str
    function: str
    """Module and function, dotted."""
    before: str
    after: str

    @property
    def key(self) -> str:
        """What docs/mutation.md names it by: survives changes elsewhere in the function."""
        return f"{self.function}: `{self.before}` → `{self.after}`"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-mutants",
        description="Mutation run over sequencer, ledger, pacer, owed silence: score, unexplained survivors.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=ROOT / ".build/mutants", help="where the copy goes")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--again", action="store_true", help="only what has changed or survived")
    parser.add_argument("--write", action="store_true", help="put the score into docs/mutation.md")
    parser.add_argument("--report", action="store_true", help="only count what an earlier run left there")
    parser.add_argument("--list", action="store_true", help="print each survivor that is not explained")
    arguments = parser.parse_args()
    console = Console(width=120)
    folder: Path = arguments.folder
    if not arguments.report:
        _copy(folder, _caught(folder) if arguments.again else {})
        run = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", str(arguments.jobs)],
            cwd=folder,
            env={**os.environ, "TRUNKLINE_WALK_DEPTH": WALK_DEPTH},
            check=False,
        )
        console.print(f"mutmut ended with {run.returncode}")
    counts, survivors = _read(folder)
    if not counts:
        console.print(f"expected results below {folder}/mutants, found none: run without --report first")
        return 1
    _print(console, counts)
    if arguments.write:
        _write(counts)
    return _judge(console, survivors, list_all=arguments.list)


# Private.


def _caught(folder: Path) -> dict[Path, bytes]:
    """The files in which mutmut keeps its results, with those that need not be found out again. It looks
    itself whether the function of a mutant is the same as it was."""
    kept: dict[Path, bytes] = {}
    for meta in (folder / "mutants").rglob("*.meta"):
        results = orjson.loads(meta.read_bytes())
        codes: dict[str, int | None] = results["exit_code_by_key"]
        results["exit_code_by_key"] = {
            name: code if _outcome(code) in CAUGHT else None for name, code in codes.items()
        }
        kept[meta.relative_to(folder)] = orjson.dumps(results)
    return kept


def _copy(folder: Path, kept: dict[Path, bytes]) -> None:
    """Only what is tracked: no caches, no earlier mutants, and of earlier results those in `kept`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    (folder / "setup.cfg").write_text(_config())
    for path, results in kept.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(results)


def _config() -> str:
    def block(name: str, values: tuple[str, ...]) -> str:
        return f"{name}=\n" + "".join(f"    {value}\n" for value in values)

    return "[mutmut]\n" + "".join(
        (
            block("source_paths", SOURCES),
            block("also_copy", BESIDE),
            block("pytest_add_cli_args_test_selection", TESTS),
            block(
                "pytest_add_cli_args",
                ("-p", "no:cacheprovider", *(f"--deselect={each}" for each in DESELECTED)),
            ),
        )
    )


def _read(folder: Path) -> tuple[dict[str, Counter[str]], list[Mutant]]:
    """Outcomes by module, and the mutants that no test caught."""
    counts: dict[str, Counter[str]] = {}
    alive: list[str] = []
    for meta in sorted((folder / "mutants").rglob("*.meta")):
        module = str(meta.relative_to(folder / "mutants")).removesuffix(".meta")
        codes: dict[str, int | None] = orjson.loads(meta.read_bytes())["exit_code_by_key"]
        for name, code in codes.items():
            outcome = _outcome(code)
            counts.setdefault(module, Counter())[outcome] += 1
            if outcome in ("survived", "untested"):
                alive.append(name)
    return counts, [_mutant(folder, name) for name in alive]


def _outcome(code: int | None) -> str:
    if code is None:
        return "not run"
    if code in SURVIVED:
        return "survived"
    if code in UNTESTED:
        return "untested"
    return "killed" if code in KILLED else "timed out"


def _mutant(folder: Path, name: str) -> Mutant:
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    before = [line[1:].strip() for line in shown.splitlines() if re.match(r"-(?!--)", line)]
    after = [line[1:].strip() for line in shown.splitlines() if re.match(r"\+(?!\+\+)", line)]
    function = re.sub(r"__mutmut_\d+$", "", name).replace(".x_", ".").replace(".xǁ", ".").replace("ǁ", ".")
    return Mutant(name, function, " ".join(before), " ".join(after))


def _rows(counts: dict[str, Counter[str]]) -> list[list[str]]:
    """The score: a head, a row a module, and their sum."""
    total = sum(counts.values(), Counter())
    return [
        ["module", "mutants", *OUTCOMES, "caught"],
        *(
            [name, str(count.total()), *(str(count[outcome]) for outcome in OUTCOMES), _share(count)]
            for name, count in [*counts.items(), ("all", total)]
        ),
    ]


def _print(console: Console, counts: dict[str, Counter[str]]) -> None:
    head, *rows = _rows(counts)
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _write(counts: dict[str, Counter[str]]) -> None:
    """The score into the page, between its marks."""
    head, *rows = _rows(counts)
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", "utf-8")


def _share(count: Counter[str]) -> str:
    return f"{sum(count[outcome] for outcome in CAUGHT) / count.total():.1%}"


def _judge(console: Console, survivors: list[Mutant], *, list_all: bool) -> int:
    """Survivors against explanations, both ways."""
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    explained = set(re.findall(r"^- (\S+: `.*` → `.*`)$", page, flags=re.MULTILINE))
    found = {mutant.key for mutant in survivors}
    unexplained = sorted(found - explained)
    gone = sorted(explained - found)
    console.print(
        f"{len(survivors)} mutants were not caught: {len(found & explained)} different ones are explained in"
        f" {PAGE.relative_to(ROOT)}, {len(unexplained)} are not; {len(gone)} explanations have no mutant"
    )
    for key in unexplained if list_all else unexplained[:10]:
        console.print(f"not explained: {key}", markup=False, soft_wrap=True)
    for key in gone if list_all else gone[:10]:
        console.print(f"gone: {key}", markup=False, soft_wrap=True)
    return 1 if unexplained or gone else 0


if __name__ == "__main__":
    sys.exit(main())
