"""How a command leaves before its time: one line on stderr, and an exit code of shared/process/exits.py.

Why it exists: what is wrong with a set-up (a setting, a Redis that is away) is said in one line, the same by
every command, never by a traceback. Owns: those lines. Must not know: any one command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from shared import env_file
from shared.exit_codes import Exit
from shared.process.exits import exit_of
from shared.redis_url import problem_of
from shared.setting.sources import InEffect, doubts, in_effect
from shared.settings import Settings, SettingsError, load
from shared.store.errors import STORE_ERRORS, not_let_in
from shared.store.reach.tls import words_of


def complain(text: str) -> None:
    """Says on stderr what is wrong: stdout is for results."""
    print(f"trunkline: {text}", file=sys.stderr)


def fail(text: str, code: Exit = Exit.FAILED) -> NoReturn:
    """Complains, and leaves. Raises typer.Exit."""
    complain(text)
    raise typer.Exit(code)


def load_settings() -> Settings:
    """The settings; leaves if one of them is wrong. Names that nobody reads are told. Raises typer.Exit."""
    try:
        settings = load()
        for doubt in doubts(os.environ, env_file.read()):
            complain(str(doubt))
    except SettingsError as error:
        fail(str(error), exit_of(error))
    return settings


def settings_in_effect() -> list[InEffect]:
    """Every setting with its value and where that comes from, right or wrong. Raises typer.Exit."""
    try:
        return in_effect(os.environ, env_file.read())
    except env_file.EnvFileUnreadable as error:
        fail(str(error), Exit.ENV_FILE)


def redis_url(given: str) -> str:
    """The option's value, else that of the settings; leaves if that is no URL. Raises typer.Exit."""
    url = given or load_settings().redis_url
    problem = problem_of(url)
    if problem:
        fail(f"REDIS_URL: {problem}", Exit.SETTINGS)
    return url


def in_words(error: Exception) -> str:
    """Why Redis does not answer, by one of STORE_ERRORS: what was refused at its door, what is wrong with a
    certificate; else the error's own text."""
    return str(not_let_in(error) or "") or words_of(error) or str(error) or type(error).__name__


@contextmanager
def instead_of_traceback() -> Iterator[None]:
    """Leaves where Redis does not answer, or what was asked for is not there. Raises typer.Exit."""
    try:
        yield
    except LookupError as error:
        fail(str(error))
    except STORE_ERRORS as error:
        why = in_words(error)
        fail(f"Redis does not answer ({why}). Is REDIS_URL right? `trunkline run` prints that of a run.")
