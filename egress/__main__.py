"""`python -m egress --number N`: one egress process."""

from __future__ import annotations

import argparse
import sys

from shared.process.resources.spared import spared

with spared():
    from egress.role import EgressRole
    from shared.process.life import run_role


def main() -> int:
    parser = argparse.ArgumentParser(prog="egress", description=__doc__)
    parser.add_argument("--number", type=int, default=0, help="number of this process on the host")
    arguments = parser.parse_args()
    return run_role("egress", arguments.number, EgressRole)


if __name__ == "__main__":
    sys.exit(main())
