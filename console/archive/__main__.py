"""`python -m console.archive`: as `trunkline archive`, without what the other commands need.

supervisord starts it so (deploy/programs.d/console.conf).
"""

from __future__ import annotations

import typer

from console.archive.commands import archive

if __name__ == "__main__":
    typer.run(archive)
