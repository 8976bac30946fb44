"""`python -m proofs.prove.chaos.soak`."""

import sys

from proofs.prove.chaos.soak.command import main

if __name__ == "__main__":
    sys.exit(main())
