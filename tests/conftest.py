from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# A finding of chance belongs on the desk of who looks for one, not into somebody else's change.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

SLOWEST = frozenset({"faults", "acceptance", "test_control_workers.py", "test_every_page.py"})

# Its asserts say as much as those of tests.
pytest.register_assert_rewrite("tests.integration.effects")

pytest_plugins = [
    "tests.fixtures.apps",
    "tests.fixtures.brokers",
    "tests.fixtures.browser",
    "tests.fixtures.processes",
    "tests.fixtures.workers",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a browser last, see `tests.fixtures.browser`; otherwise the slowest first.

    Where two processes share the tests, neither is left with the slowest at the end.
    """
    items.sort(
        key=lambda item: (
            "browser" in getattr(item, "fixturenames", ()),
            SLOWEST.isdisjoint(item.path.parts),
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped proves nothing, so here it fails."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
