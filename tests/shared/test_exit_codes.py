"""Exit codes: what may be imported for them, and which of them no restart mends."""

from __future__ import annotations

import subprocess
import sys

from shared.exit_codes import OF_THE_SET_UP, Exit


def test_what_a_restart_may_mend_is_not_among_them() -> None:
    """A bug, a stop, a drain that was cut short, a loop that was stuck."""
    assert {Exit.OK, Exit.FAILED, Exit.USAGE, Exit.DRAIN_FORCED, Exit.STUCK}.isdisjoint(OF_THE_SET_UP)


def test_who_holds_the_port_needs_neither_redis_nor_the_settings() -> None:
    """It lives on every host, and each library that it does not use is memory for nothing."""
    code = "import console.operate.port, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"console.operate.port", "shared.exit_codes"} <= loaded
    assert not {"redis", "pydantic", "shared.settings", "structlog"} & loaded
