"""`trunkline` and `python -m console`: an import and a call."""

from __future__ import annotations

from console.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
