"""`python -m proofs.simulate`."""

import sys

from proofs.simulate.command import main

if __name__ == "__main__":
    sys.exit(main())
