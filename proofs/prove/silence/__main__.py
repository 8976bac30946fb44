"""`python -m proofs.prove.silence`."""

import sys

from proofs.prove.silence.command import main

if __name__ == "__main__":
    sys.exit(main())
