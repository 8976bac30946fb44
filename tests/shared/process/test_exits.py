"""Which exit code stands for which fault of a set-up."""

from __future__ import annotations

import pytest

from shared.exit_codes import OF_THE_SET_UP, Exit
from shared.process.exits import exit_of
from shared.settings import EnvFileError, SettingsError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError(["a"]), Exit.SETTINGS),
        (EnvFileError(["a"]), Exit.ENV_FILE),
    ],
)
def test_each_kind_of_fault_has_its_own(error: SettingsError, code: Exit) -> None:
    """And a restart mends none of them."""
    assert exit_of(error) is code
    assert code in OF_THE_SET_UP
