"""What runs on the second host."""

from __future__ import annotations

from pathlib import Path

from proofs.prove.chaos.setting import far_host
from proofs.prove.chaos.setting.far_host import Spec
from proofs.prove.chaos.setting.far_side import options_of


def spec() -> Spec:
    """One brain."""
    return Spec(
        role="brain",
        redis_url="redis://10.0.0.1:6379/0",
        model_base_url="http://10.0.0.1:80/v1",
        auth_token="token",
        host="10.0.0.2",
        environment={"A": "b"},
        commands={"brain": "python -m brain"},
    )


def test_it_runs_one_process_of_the_role_and_shows_another_host(tmp_path: Path) -> None:
    """With the first host's Redis and model."""
    options = options_of(spec(), tmp_path)
    assert options.workers == {"brain": 1}
    assert (options.host_name, options.host) == (far_host.HOST_NAME, "10.0.0.2")
    assert (options.redis_url, options.model_base_url) == ("redis://10.0.0.1:6379/0", "http://10.0.0.1:80/v1")
