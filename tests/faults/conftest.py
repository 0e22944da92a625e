from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import comparing
from tests.faults.collectors import Collectors
from tests.faults.sizes import FULL
from tests.fixtures.processes import ROOT, StartProcess, project_env

CollectorsOn = Callable[[str, str], Collectors]
REPORT = ROOT / "build" / "soak.json"
_results: list[dict[str, Any]] = []


@pytest.fixture
def collectors_on(start_process: StartProcess, redis_url: str) -> CollectorsOn:
    """Factory: `collectors_on(broker_url, alias)`; results are in Redis."""

    def on(broker_url: str, alias: str) -> Collectors:
        return Collectors(start_process, project_env(broker_url, redis_url, database=alias))

    return on


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """At full size, a table of what was compared; written anew after each test."""
    report = yield
    if FULL and report.when == "call":
        tasks, events = comparing.compared.pop() if comparing.compared else (None, None)
        outcome = "equal" if report.passed else "failed"
        numbers = {"tasks": tasks, "events": events, "seconds": round(report.duration)}
        _results.append({"test": item.name, "outcome": outcome, **numbers})
        _write(REPORT)
    return report


def _write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(_results, indent=1) + "\n")
    lines = ["| Test | Tasks | Events | Seconds | Rows |", "|---|---|---|---|---|"]
    for each in _results:
        tasks, events = (f"{each[key]:,}" if each[key] else "" for key in ("tasks", "events"))
        name = each["test"].removeprefix("test_").replace("_", " ")
        lines.append(f"| {name} | {tasks} | {events} | {each['seconds']} | {each['outcome']} |")
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")
