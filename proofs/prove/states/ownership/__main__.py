"""`python -m proofs.prove.states.ownership`."""

import sys

from proofs.prove.states.ownership.command import main

if __name__ == "__main__":
    sys.exit(main())
