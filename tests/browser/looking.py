"""What a browser can find wrong with a page, whatever is on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import ConsoleMessage, Page

AXE: Final = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
# From the narrowest phone to a wall; see the README of axe for the names of its rules.
WIDTHS: Final = (320, 360, 768, 1024, 1440, 1920)
Scheme = Literal["light", "dark"]
LOOKS: Final[tuple[tuple[Scheme, int], ...]] = (
    ("light", 360),
    ("dark", 360),
    ("light", 1440),
    ("dark", 1440),
)
SERIOUS: Final = frozenset({"serious", "critical"})
COUNTING: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


def note_complaints(page: Page) -> list[str]:
    """What the console says from now on, and every breach of the content security policy."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        refused = "status of 4" in message.text and message.location.get("url") == page.url
        if message.type in {"error", "warning"} and not refused:
            found.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.add_init_script(COUNTING)
    return found


def breaches(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.violations")
    return found


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds serious, in all its rules or just these."""
    # As an extension would, beside the page's own policy.
    page.evaluate(AXE.read_text())
    return _serious(page, rules)


def sideways(page: Page, widths: Iterable[int] = WIDTHS) -> list[str]:
    """At which widths the page scrolls sideways, and what sticks out."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        box = "document.documentElement"
        if page.evaluate(f"{box}.scrollWidth - {box}.clientWidth") > 0:
            found.append(f"scrolls sideways at {width} px")
    return found


def looks(page: Page, chosen: Iterable[tuple[Scheme, int]] = LOOKS) -> list[str]:
    """What is wrong with the page in these colours, on a phone and on a desktop."""
    found = sideways(page)
    page.evaluate(AXE.read_text())
    for scheme, width in chosen:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        # Only colours differ in the dark.
        rules = () if scheme == "light" else ("color-contrast",)
        found += [f"{scheme} {width}: {each}" for each in _serious(page, rules)]
    return found


def _serious(page: Page, rules: tuple[str, ...]) -> list[str]:
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}"
        for each in found
        if each["impact"] in SERIOUS
    ]
