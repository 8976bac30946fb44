"""Makes deploy/redis/acl from the table of what each role needs of Redis (shared/store/access/grants.py).

Why it exists: a rule that is kept in two places is wrong in one of them. Owns: the files, one a user, a line
each: an aclfile takes no comments. Must not know: what a rule is for. `--check` fails when a file is not what
the table would make.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shared.store.access.grants import GRANTS

FOLDER = Path(__file__).parents[2] / "deploy" / "redis" / "acl"


def main() -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m proofs.pages.acl", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether the files are current; write none")
    checks = parser.parse_args().check
    old = {name: text for name, text in files().items() if written(name) != text}
    for name, text in old.items():
        if checks:
            sys.stderr.write(f"deploy/redis/acl/{name} is not current: run python -m proofs.pages.acl\n")
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text, "utf-8")
    return int(checks and bool(old))


def files() -> dict[str, str]:
    """By name, what each is to say."""
    return {f"{name}.acl": f"{grant.line}\n" for name, grant in GRANTS.items()}


def written(name: str) -> str:
    """What a file says now; empty if it is not there."""
    path = FOLDER / name
    return path.read_text("utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
