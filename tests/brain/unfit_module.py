"""A module that leaves the program when it is imported, as scripts without a guard do."""

import sys

sys.exit(1)
