"""`python -m ingress --number N`: one ingress process."""

from __future__ import annotations

import argparse
import sys

from ingress.role import IngressRole
from shared.process.life import run_role


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="ingress", description=__doc__)
    parser.add_argument("--number", type=int, default=0, help="number of this process on the host")
    arguments = parser.parse_args()
    return run_role("ingress", arguments.number, IngressRole)


if __name__ == "__main__":
    sys.exit(main())
