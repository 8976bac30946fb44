"""`python -m simulators.realtime`."""

from simulators.realtime.cli import main

if __name__ == "__main__":
    main()
