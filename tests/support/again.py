"""Runs pytest; the few tests that failed beside others are asked once more, one after the other.

Why it exists: thousands of tests share two cores, some of them in real time, and a machine that stands still
for a third of a second fails one of them, another one each time. CPython's own runner asks again for that
reason. What fails by itself fails again: it is the second answer that counts, and hypothesis begins with the
example that it found. Each test that was asked again is named, for it is owed a look: it waits for a time
where it could wait for a condition, or the product has a race.

    python -m tests.support.again ARGUMENTS OF PYTEST
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
"""Where pytest keeps the ids of what failed."""

MOST = 3
"""More at once is no chance any more."""

FAILED, NOTHING_TO_RUN = 1, 5
"""Exit codes of pytest: some tests failed; the arguments have left none."""


def main(arguments: Sequence[str]) -> int:
    """Pytest's exit code, or that of the second time; where there was nothing to run, 0."""
    LAST_FAILED.unlink(missing_ok=True)  # Of another run, perhaps of other tests.
    code = _pytest(arguments)
    if code == NOTHING_TO_RUN:
        return 0
    if code != FAILED or not LAST_FAILED.exists():
        return code
    failed = sorted(json.loads(LAST_FAILED.read_text("utf-8")))
    if not failed or len(failed) > MOST:
        return code
    _say("failed beside others, and is asked again by itself", failed)
    code = _pytest(["-n", "0", *failed])
    _say("failed twice" if code else "FAILED BESIDE OTHERS, passed by itself: it is owed a look", failed)
    return code


# Private.


def _pytest(arguments: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def _say(what: str, tests: Sequence[str]) -> None:
    for test in tests:
        print(f"tests/support/again.py: {test} {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
