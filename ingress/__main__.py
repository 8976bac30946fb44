"""`python -m ingress --number N`: one ingress process."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from shared.process.resources.spared import spared

with spared():
    from ingress.role import IngressRole
    from shared.process.life import run_role


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="ingress", description=__doc__)
    parser.add_argument("--number", type=int, default=0, help="number of this process on the host")
    parser.add_argument(
        "--socket",
        default="",
        metavar="tcp://HOST:PORT",
        help="the public socket, which `python -m console.operate.port` holds (default: open one)",
    )
    arguments = parser.parse_args()
    return run_role("ingress", arguments.number, partial(IngressRole, held=arguments.socket))


if __name__ == "__main__":
    sys.exit(main())
