"""The `trunkline` command line: demo, run, and what an operator looks at.

Owns the stack launcher and everything that is printed for people. It may use `shared` and `simulators`;
of the roles it knows only how to start them and what they write to Redis.
"""
