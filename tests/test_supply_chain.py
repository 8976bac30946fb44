"""What is installed is what was looked at: pinned, hashed, new enough; and nothing runs a text as code."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.layout import ROOT, imported, modules

LEAST = {
    "redis": (8, 0, 1),  # 8.0.0 fails with descriptors from 1024 on, and leaks a connection when cancelled.
    "websockets": (15, 0, 0),
    "h11": (0, 16, 0),  # CVE-2025-43859: it took malformed chunks for good ones.
    "uvicorn": (0, 34, 0),
    "starlette": (0, 45, 0),
    "supervisor": (4, 3, 0),  # Far behind the hole of its XML-RPC interface (CVE-2017-11610).
}
"""What may not come again, by what was mended since."""

PACKAGES = ("ingress", "brain", "egress", "shared", "console", "simulators")
"""All but the proofs, which pickle states of their own for processes of their own."""

FORBIDDEN_MODULES = frozenset({"pickle", "marshal", "shelve", "yaml", "dill", "cloudpickle"})
FORBIDDEN_CALLS = frozenset({"eval", "exec", "compile", "__import__"})


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Of a lock file: name → its version, and how many hashes it has."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in lock.splitlines():
        if pin := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line):
            name = pin[1].lower()
            found[name] = (pin[2], 0)
        elif line.strip().startswith("--hash=sha256:"):
            version, hashes = found[name]
            found[name] = (version, hashes + 1)
        elif line and not line.startswith((" ", "#")):
            found[line] = ("", 0)
    return found


LOCK = pins((ROOT / "requirements.lock").read_text("utf-8"))


def test_everything_is_pinned_by_version_and_hash() -> None:
    """No line says another thing."""
    assert len(LOCK) > 50
    assert {name: pin for name, pin in LOCK.items() if not pin[0] or not pin[1]} == {}


def test_what_is_not_pinned_is_found() -> None:
    """The check above can fail."""
    text = "a==1.0 \\\n    --hash=sha256:00\n    # via b\nb==2\nc @ git+https://example.com/c\n"
    assert pins(text) == {"a": ("1.0", 1), "b": ("2", 0), "c @ git+https://example.com/c": ("", 0)}


@pytest.mark.parametrize("name", LEAST)
def test_what_was_mended_is_there(name: str) -> None:
    """A new lock may not fall behind."""
    version = tuple(int(part) for part in re.findall(r"\d+", LOCK[name][0])[:3])
    assert version >= LEAST[name]


def test_an_installation_takes_nothing_without_its_hash() -> None:
    """Each of the Makefile's, but for our own package and a tool that is named with its version."""
    lines = [line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "$(PIP) " in line]
    assert lines
    others = [line.strip() for line in lines if "--require-hashes" not in line]
    assert [line for line in others if " -e ." not in line and "mutmut==" not in line] == []


def dangers(source: str) -> list[str]:
    """What of a module would run what somebody else wrote: names of modules and calls."""
    tree = ast.parse(source)
    found = [name for name in imported(tree) if name.split(".")[0] in FORBIDDEN_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found.append(node.func.id)
            found += [
                "shell=True"
                for word in node.keywords
                if word.arg == "shell" and not (isinstance(word.value, ast.Constant) and not word.value.value)
            ]
    return found


def test_nothing_runs_a_text_as_code() -> None:
    """No pickle, no YAML, no eval, no shell."""
    found = {str(path.relative_to(ROOT)): dangers(path.read_text("utf-8")) for path in modules(*PACKAGES)}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from yaml import load", "eval('1')", "exec(text)", "run('ls', shell=True)"],
)
def test_a_danger_is_found(source: str) -> None:
    """The check above can fail; an attribute of that name is no danger."""
    assert len(dangers(source)) >= 1
    assert dangers("redis.eval(script)\nre.compile(text)\nrun('ls', shell=False)") == []
