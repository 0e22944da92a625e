"""The style sheets: right for languages that are written from right to left, and light."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHEETS = sorted((ROOT / "frontend/src").rglob("*.css"))
BUILT = ROOT / "django_celery_monitor/static/django_celery_monitor"
# What a browser fetches before it shows the heaviest first page.
FIRST_LOAD = ("icon.svg", "dist/theme.js", "dist/monitor.css", "dist/monitor.js", "dist/chart.js")
LIMIT = 150_000

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARATION = re.compile(r"(?<=[{;])\s*([\w-]+)\s*:\s*([^;{}]+)(?=[;}])")
PHYSICAL = re.compile(r"(?:.*-)?(?:left|right)(?:-.*)?|border-(?:top|bottom)-(?:left|right)-radius")
SIDES = frozenset({"margin", "padding", "inset", "border-width", "border-style", "border-color"})
TURNED = frozenset({"text-align", "float", "clear", "justify-content", "justify-items"})


def physical(sheet: str) -> Iterator[str]:
    """Declarations that mean the left or the right whatever the language."""
    for name, value in DECLARATION.findall(COMMENT.sub("", sheet)):
        value = value.strip()
        words = re.findall(r"[^\s(]+(?:\([^)]*\)+)?", value)
        sided = name in SIDES and len(words) == 4 and words[1] != words[3]
        turned = name in TURNED and {"left", "right"} & set(words)
        if PHYSICAL.fullmatch(name) or sided or turned:
            yield f"{name}: {value}"


@pytest.mark.parametrize("sheet", [pytest.param(path, id=path.name) for path in SHEETS])
def test_sheets_know_start_and_end_but_neither_left_nor_right(sheet: Path) -> None:
    assert list(physical(sheet.read_text())) == []


@pytest.mark.parametrize(
    "declaration",
    [
        "margin-left: 4px",
        "left: 0",
        "border-right: 1px solid red",
        "padding: 0 4px 0 12px",
        "margin: 0 auto 0 calc(1px + 2px)",
        "text-align: right",
        "border-top-left-radius: 2px",
        "scroll-margin-right: 4px",
        "float: left",
    ],
)
def test_a_side_is_found(declaration: str) -> None:
    assert list(physical(f"/* left: 0; */ a {{ color: red; {declaration}; }}")) == [declaration]


def test_what_is_the_same_on_both_sides_is_no_side() -> None:
    fine = "margin-inline-start: 1px; padding: 1px 2px 3px 2px; text-align: start; inset: 0 0 0 0"
    assert list(physical(f"a {{ {fine}; }}")) == []


def test_the_first_page_is_light() -> None:
    sizes = {name: len(gzip.compress((BUILT / name).read_bytes(), 6)) for name in FIRST_LOAD}
    # The page itself is the rest.
    assert sum(sizes.values()) < LIMIT - 30_000, sizes
