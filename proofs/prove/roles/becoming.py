"""How a process of the proofs becomes a role process, after it has changed something.

Why it exists: product code knows nothing of proofs, so what it shall suffer is put around it, in the same way
each time. Owns: the role on the command line, the step over into it, the commands of a stack whose roles are
such processes. Must not know: what is changed.
"""

from __future__ import annotations

import runpy
import sys

from shared.contract.worker import ROLES


def named_role(module: str) -> str:
    """Takes the role, the first word, off the command line. Exits with what was expected where it is none.
    `module`: of whoever asks."""
    named = sys.argv[1] if len(sys.argv) > 1 else "nothing"
    if named not in ROLES:
        sys.exit(f"{module}: expected one of {', '.join(ROLES)} as the first word, got {named}")
    return sys.argv.pop(1)


def go_on_as(role: str) -> None:
    """Runs the role's own program to its end, with the words that are left."""
    sys.argv[0] = role
    runpy.run_module(role, run_name="__main__", alter_sys=True)


def commands(module: str) -> dict[str, str]:
    """For `StackOptions.commands`: each role by this module."""
    return {role: f"{sys.executable} -m {module} {role} --number %(process_num)d" for role in ROLES}
