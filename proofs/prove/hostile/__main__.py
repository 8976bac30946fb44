"""`python -m proofs.prove.hostile`."""

import sys

from proofs.prove.hostile.command import main

if __name__ == "__main__":
    sys.exit(main())
