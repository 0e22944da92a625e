from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.collectors import Collectors
from tests.fixtures.processes import StartProcess, project_env

CollectorsOn = Callable[[str, str], Collectors]


@pytest.fixture
def collectors_on(start_process: StartProcess, redis_url: str) -> CollectorsOn:
    """Factory: `collectors_on(broker_url, alias)`; results are in Redis."""

    def on(broker_url: str, alias: str) -> Collectors:
        return Collectors(start_process, project_env(broker_url, redis_url, database=alias))

    return on
