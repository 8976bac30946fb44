"""Which exit code an error of the set-up ends a process with.

Why it exists: the codes are for everybody, the errors come with settings, which not every process has. Owns:
that table. Must not know: how an error is told.
"""

from __future__ import annotations

from shared.exit_codes import Exit
from shared.settings import EnvFileError, SettingsError


def exit_of(error: SettingsError) -> Exit:
    """The exit code of what is wrong with a set-up."""
    return Exit.ENV_FILE if isinstance(error, EnvFileError) else Exit.SETTINGS
