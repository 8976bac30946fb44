"""What fails beside others is asked once more, and what fails by itself fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.again import MOST

REPOSITORY = Path(__file__).parents[1]

ONCE = """
from pathlib import Path
def test_it():
    seen = Path("seen")
    was_seen = seen.exists()
    seen.touch()
    assert was_seen
"""
ALWAYS = "def test_it():\n    assert False\n"
NEVER = "def test_it():\n    pass\n"


def asked(folder: Path, *arguments: str, **files: str) -> tuple[int, str]:
    """Exit code and what was printed, of a folder with these tests."""
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text, "utf-8")
    program = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import tests.support.again as a"
    command = [sys.executable, "-c", f"{program}; raise SystemExit(a.main(sys.argv[1:]))", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)
    return done.returncode, done.stdout


def test_what_fails_once_is_named_and_passes(tmp_path: Path) -> None:
    """The others are not run again."""
    code, said = asked(tmp_path, once=ONCE, never=NEVER)
    assert code == 0, said
    assert "test_once.py::test_it FAILED BESIDE OTHERS, passed by itself" in said
    assert "1 failed, 1 passed" in said
    assert "test_never.py" not in said.partition("is asked again")[2].partition("tests/support/again.py")[0]


def test_what_fails_by_itself_fails(tmp_path: Path) -> None:
    """Also beside one that passes the second time."""
    code, said = asked(tmp_path, always=ALWAYS, once=ONCE)
    assert code == 1
    assert "test_always.py::test_it failed twice" in said


def test_many_failures_are_no_chance(tmp_path: Path) -> None:
    """Nothing is asked again."""
    code, said = asked(tmp_path, **{f"always{number}": ALWAYS for number in range(MOST + 1)})
    assert code == 1
    assert "again.py" not in said


@pytest.mark.parametrize(("text", "code"), [(NEVER, 0), ("import nowhere_to_be_found\n", 2)])
def test_nothing_is_asked_again_where_nothing_failed(tmp_path: Path, text: str, code: int) -> None:
    """All passed, or a file cannot even be read."""
    found, said = asked(tmp_path, one=text)
    assert found == code, said
    assert "again.py" not in said


def test_arguments_that_leave_nothing_are_no_failure(tmp_path: Path) -> None:
    """`make test ARGS="-k ingress"` has parts without any."""
    code, said = asked(tmp_path, "-k", "nothing_of_that_name", one=NEVER)
    assert code == 0, said
