"""What a reader cannot see at a glance: imports that run one way, declared state, sizes, purity."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROLES = ("ingress", "brain", "egress")
PACKAGES = (*ROLES, "shared", "simulators", "console", "proofs")

MAY_IMPORT = {
    "ingress": {"shared"},
    "brain": {"shared"},
    "egress": {"shared"},
    "shared": set[str](),
    "simulators": set[str](),
    "console": {"shared", "simulators"},
    "proofs": {"shared", "simulators", "console", *ROLES},
}
"""What proves and documents the roles (proofs) looks into them; nothing looks into it."""

MAX_MODULE_LINES = 450
"""About 400 is the aim; this is where a module has to be split."""

MAX_FUNCTION_LINES = 75
"""About 60 is the aim; tables of options are longer."""


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    """Roles import shared, never one another; shared imports none of them; nothing imports proofs."""
    for path in modules(package):
        foreign = (set(imported(ast.parse(path.read_text("utf-8")))) & set(PACKAGES)) - {package}
        assert foreign <= MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {foreign}"


def probes(source: str) -> Iterator[int]:
    """Lines that ask whether a field is there: hasattr, getattr with a default, `__dict__`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="hasattr") | ast.Attribute(attr="hasattr")):
                yield node.lineno
            case ast.Call(func=ast.Name(id="getattr") | ast.Attribute(attr="getattr"), args=[_, _, _]):
                yield node.lineno
            case ast.Attribute(attr="__dict__"):
                yield node.lineno


def swallows(source: str) -> Iterator[int]:
    """Lines where an exception disappears: whatever it was, or without a word why."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
            if any(_is_broad(kind) for kind in node.args):
                yield node.lineno
        elif isinstance(node, ast.ExceptHandler):
            does_nothing = all(
                isinstance(step, ast.Pass | ast.Continue)
                or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
                for step in node.body
            )
            is_broad = node.type is None or any(_is_broad(each) for each in ast.walk(node.type))
            # The comment may stand above the handler, where a formatter has put it.
            text = lines[node.lineno - 2 : node.end_lineno]
            text = text if text[0].lstrip().startswith("#") else text[1:]
            says_why = any(re.search(r"#\s*\w", _NOQA.sub("#", line)) for line in text)
            raises = any(isinstance(step, ast.Raise) and step.exc is None for step in node.body)
            only_passes = does_nothing and any(isinstance(step, ast.Pass) for step in node.body)
            silent = does_nothing and (only_passes or is_broad or not says_why)
            if node.type is None or silent or (is_broad and not says_why and not raises):
                yield node.lineno


_NOQA = re.compile(r"#\s*noqa: \w+[\s—-]*")


def _is_broad(kind: ast.AST) -> bool:
    return isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")


def test_state_is_declared_never_probed() -> None:
    """No hasattr, no getattr with a default: a missing field is an error in the first test that meets it."""
    for path in modules(*PACKAGES):
        found = list(probes(path.read_text("utf-8")))
        assert not found, f"{path.relative_to(ROOT)}: lines {found}"


def test_no_exception_is_swallowed() -> None:
    """No bare except; none that only passes; nothing broad or passed over without the reason beside it."""
    for path in modules(*PACKAGES):
        found = list(swallows(path.read_text("utf-8")))
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
    assert list(probes(f"x = 1\n{source}")) == [2]


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
    assert list(swallows(f"try:\n    f()\n{handler}")) == [3]
    assert list(swallows("with contextlib.suppress(Exception):\n    f()")) == [1]
    assert list(swallows("for x in y:\n  try:\n    f()\n  except OSError:\n    continue")) == [4]


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
    assert list(swallows(f"try:\n    f()\n{handler}")) == []


def test_modules_and_functions_stay_readable() -> None:
    """Long modules and long functions are split, not scrolled."""
    for path in modules(*PACKAGES):
        text = path.read_text("utf-8")
        assert text.count("\n") <= MAX_MODULE_LINES, f"{path.relative_to(ROOT)} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno
                assert length <= MAX_FUNCTION_LINES, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def test_every_module_says_why_it_exists() -> None:
    """The docstring comes first."""
    for path in modules(*PACKAGES):
        tree = ast.parse(path.read_text("utf-8"))
        assert not tree.body or ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"


def test_pure_cores_stay_pure() -> None:
    """No clock, socket, environment or Redis in what is meant to be told everything."""
    pure = [
        *modules("brain/sequencer"),
        *(
            ROOT / "egress" / name
            for name in ("framer.py", "pacer.py", "ledger.py", "delivery.py", "backlog.py")
        ),
        *(ROOT / "brain/call" / name for name in ("window.py", "stopwatch.py")),
        *(ROOT / "shared/figures" / name for name in ("diagnosis.py", "rolling.py", "histograms.py")),
        *(
            ROOT / "ingress" / name
            for name in ("media/wire.py", "web/token.py", "media/gate.py", "calls/fence.py")
        ),
        ROOT / "shared/forms.py",
        ROOT / "shared/logs/text.py",
        ROOT / "shared/contract/entries.py",
    ]
    impure = {"asyncio", "time", "socket", "os", "redis", "random", "logging", "structlog", "websockets"}
    for path in pure:
        found = set(imported(ast.parse(path.read_text("utf-8")))) & impure
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


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
