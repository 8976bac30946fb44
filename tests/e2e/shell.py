"""What the documentation lets people type, typed: as the operator's user of deploy/redis/acl."""

from __future__ import annotations

import os
import subprocess

from shared.store.access.grants import OPERATOR
from tests.support import acl


def run(line: str, url: str, variables: dict[str, str]) -> str:
    """A recipe as a shell runs it."""
    acl.install(url, OPERATOR)
    port = url.rpartition(":")[2].split("/")[0]
    command = line.replace("redis-cli", f"redis-cli -p {port} --user {acl.user_of(OPERATOR)}", 1)
    environment = {**os.environ, "REDISCLI_AUTH": acl.PASSWORD, **variables}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert not done.stdout.startswith("ERR"), f"{line}: {done.stdout}"
    for refusal in ("WRONGTYPE", "NOPERM", "WRONGPASS", "NOAUTH"):
        assert refusal not in done.stdout + done.stderr, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout
