"""`python -m brain --number N`: one brain process."""

from __future__ import annotations

import argparse
import sys

from shared.process.resources.spared import spared

with spared():
    from brain.role import BrainRole
    from shared.process.life import run_role


def main() -> int:
    """Runs the process; returns its exit code (shared/process/exits.py)."""
    parser = argparse.ArgumentParser(prog="brain", description="One Realtime session a call.")
    parser.add_argument("--number", type=int, default=0, help="number of this process on its host")
    return run_role("brain", parser.parse_args().number, BrainRole)


if __name__ == "__main__":
    sys.exit(main())
