from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.spec import Server


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    """Nothing runs yet: Playwright starts the browser for the tests that need one."""
    del folder
    yield {BROWSER.variable: str(programs["chromium"])}


BROWSER = Server(
    name="Chromium",
    variable="TEST_CHROMIUM",
    package="chromium",
    programs=("chromium",),
    run=run,
)
