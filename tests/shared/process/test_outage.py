"""An outage of Redis is told twice: when it begins and when it is over."""

from __future__ import annotations

from shared.process.outage import Outage


def test_one_outage_of_many_connections() -> None:
    """It begins with the first that fails and is over with the last that works; attempts count for
    nothing."""
    outage = Outage()
    assert outage.works("outbox", 0.0) is None
    assert outage.failed("outbox", 1000.0)
    assert not outage.failed("dispatch-0", 1001.0)
    assert not outage.failed("outbox", 1300.0)
    assert outage.works("outbox", 4000.0) is None
    assert outage.works("dispatch-0", 5000.0) == 4000.0
    assert outage.works("dispatch-0", 5001.0) is None
    assert outage.failed("outbox", 6000.0)
