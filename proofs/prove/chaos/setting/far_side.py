"""What runs on the second host: one role, until its standard input is closed.

Why it exists: a stack is started from where it runs. Owns: that stack. Must not know: who asked for it. Reads
a `Spec` as one line of JSON, answers with the public port once all is ready.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from proofs.prove.chaos.setting.far_host import HOST_NAME, Spec


def options_of(spec: Spec, folder: Path) -> StackOptions:
    """The stack that is asked for."""
    return StackOptions(
        name="prove-chaos-far",
        workers={spec.role: 1},
        redis_url=spec.redis_url,
        model_base_url=spec.model_base_url,
        auth_token=spec.auth_token,
        host=spec.host,
        host_name=HOST_NAME,
        environment=spec.environment,
        commands=spec.commands,
        run_dir=folder,
        watchdog=True,
        ready_timeout_s=80,
        stop_together=True,
    )


async def main() -> None:
    """Runs it."""
    line = await asyncio.to_thread(sys.stdin.buffer.readline)
    spec = TypeAdapter(Spec).validate_json(line)
    with TemporaryDirectory(prefix="trunkline-far-") as folder:
        async with Stack(options_of(spec, Path(folder))) as stack:
            print(stack.public_port, flush=True)
            await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
