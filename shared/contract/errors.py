"""What can be wrong with what another process wrote.

    ContractError               a record says less, or something else, than its writer always writes
    └── EntryError              it is an entry of a stream: it is counted and passed over
        └── UnknownVersion      it was written under another version of the contract

Why it exists: a figure that is missing must be told from a figure that is 0. Readers raise these, their
callers count and log them with the names of record and field, and go on without the record. Pure.
"""

from __future__ import annotations


class ContractError(ValueError):
    """`record` lacks `field`, or holds in it what cannot be read."""

    def __init__(self, record: str, field: str, expected: str, got: object) -> None:
        shown = "nothing" if got is None else repr(got)[:80]
        super().__init__(f"expected {expected} in {field} of {record}, got {shown}")
        self.record = record
        self.field = field


class EntryError(ContractError):
    """An entry of a stream that cannot be read."""


class UnknownVersion(EntryError):
    """An entry of another version, by a newer or older process."""

    def __init__(self, record: str, got: object) -> None:
        super().__init__(record, "v", "a version that is known here", got)
