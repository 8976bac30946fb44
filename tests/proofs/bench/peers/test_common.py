"""What every peer is told."""

from __future__ import annotations

import pytest

from proofs.bench.peers.common import MODEL, options


def test_the_model_is_where_the_base_url_says() -> None:
    """As a socket."""
    told = options("leanest", ["--port", "1", "--model-base-url", "http://127.0.0.1:9000/v1/"])
    assert told.model_url == "ws://127.0.0.1:9000/v1/realtime"
    assert told.model_url_with_query == f"ws://127.0.0.1:9000/v1/realtime?model={MODEL}"
    assert options("leanest", ["--port", "1", "--model-base-url", "https://h/v1"]).model_url == (
        "wss://h/v1/realtime"
    )


def test_another_url_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With what was expected."""
    with pytest.raises(SystemExit):
        options("leanest", ["--port", "1", "--model-base-url", "ws://h"])
    assert "expected http(s)://…, got 'ws://h'" in capsys.readouterr().err
