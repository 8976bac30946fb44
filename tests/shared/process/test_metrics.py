"""What /metrics says of every process."""

from __future__ import annotations

from prometheus_client import generate_latest

from shared.process.life import make_process
from shared.process.metrics import export_role
from shared.settings import load
from tests.shared.process.test_beat import IdleRole
from tests.support.servers import free_port


async def test_a_process_exports_itself_and_its_role() -> None:
    """The worker, each lane's inbox, its calls; ready only with a connection to Redis."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    process = make_process("egress", 3, load(env_file=None, redis_url=url, lanes=2, host_name="h"))
    export_role(process, IdleRole())
    text = generate_latest(process.metrics.registry()).decode()
    assert 'trunkline_process_info{version="0.1.0",worker="egress-3@h"} 1.0' in text
    assert 'trunkline_inbox_reads_total{lane="1"} 0.0' in text
    assert "trunkline_live_calls 2.0" in text
    assert "trunkline_ready 0.0" in text
    assert "trunkline_outbox_refused 0.0" in text
    assert "trunkline_outbox_refused_seconds 0.0" in text
    await process.store.aclose()
