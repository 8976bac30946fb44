"""`python -m console.recorder`: as `trunkline recorder`, without what the other commands need.

supervisord starts it so (deploy/programs.d/console.conf).
"""

from __future__ import annotations

import typer

from console.recorder.commands import recorder

if __name__ == "__main__":
    typer.run(recorder)
