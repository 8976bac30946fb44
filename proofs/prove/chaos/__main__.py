"""`python -m proofs.prove.chaos`."""

import sys

from proofs.prove.chaos.command import main

if __name__ == "__main__":
    sys.exit(main())
