"""What a role's process leaves out: absent while the role is imported, there for who asks later."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.process.resources.spared import SPARED, spared


@pytest.mark.parametrize("role", ["ingress", "brain", "egress"])
def test_no_role_loads_what_it_does_not_use(role: str) -> None:
    """In a process of its own: in this one they are loaded already."""
    program = (
        "import importlib, sys\n"
        f"importlib.import_module('{role}.__main__')\n"
        f"print([name for name in {SPARED!r} if name in sys.modules])\n"
        f"print([importlib.import_module(name).__name__ for name in {SPARED!r}])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.splitlines()
    assert said == ["[]", repr(list(SPARED))]


def test_what_is_loaded_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", sys)
    monkeypatch.delitem(sys.modules, "aiohttp", raising=False)
    with spared():
        assert sys.modules["rich"] is sys
        with pytest.raises(ImportError):
            __import__("aiohttp")
    assert "aiohttp" not in sys.modules
