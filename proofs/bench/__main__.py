"""`python -m proofs.bench`."""

import sys

from proofs.bench.command import main

if __name__ == "__main__":
    sys.exit(main())
