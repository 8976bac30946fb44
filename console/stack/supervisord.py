"""`python -m console.stack.supervisord PARENT_PID -c FILE`: a supervisord that ends with its launcher.

Why it exists: a stack belongs to one demo, test or terminal. If that dies without a word, its supervisord
must stop the roles and go. Owns nothing else; the rest is supervisord itself.
"""

from __future__ import annotations

import sys

from supervisor import supervisord

from shared.process.host import end_with_parent


def main() -> None:
    """Takes our own first argument off the command line and runs supervisord with the others."""
    parent_pid = int(sys.argv.pop(1))
    end_with_parent(parent_pid)
    supervisord.main()


if __name__ == "__main__":
    main()
