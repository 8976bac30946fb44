"""`python -m simulators.twilio`."""

from simulators.twilio.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
