"""Which exit code an error of the set-up ends a process with.

Why it exists: the codes are for everybody, the errors come with settings and Redis, which not every process
has. Owns: that table. Must not know: how an error is told.
"""

from __future__ import annotations

from shared.exit_codes import Exit
from shared.settings import EnvFileError, SettingsError
from shared.store.errors import RedisForbids, RedisLoginRefused, RedisRefused

_OF_REDIS: dict[type[RedisRefused], Exit] = {
    RedisLoginRefused: Exit.REDIS_LOGIN,
    RedisForbids: Exit.REDIS_FORBIDS,
}


def exit_of(error: SettingsError | RedisRefused) -> Exit:
    """The exit code of what is wrong with a set-up."""
    if isinstance(error, RedisRefused):
        return _OF_REDIS.get(type(error), Exit.REDIS_REFUSED)
    return Exit.ENV_FILE if isinstance(error, EnvFileError) else Exit.SETTINGS
