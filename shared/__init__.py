"""What the roles share: keys, entry formats, outbox, inbox, ownership, settings, logs, process skeleton.

Nothing in here may know any one role: `ingress`, `brain` and `egress` import `shared`, never the
other way round (tests/test_layout.py holds this).
"""

VERSION = "0.1.0"
"""What this code calls itself: in logs, in a worker's beat, in `trunkline --version`."""
