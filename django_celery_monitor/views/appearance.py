"""What the project's settings say of how its monitor looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

from django_celery_monitor.conf import Settings

# "eu-prod" is production, "preprod", "pre-prod" and "non-production" are not.
_PRODUCTION: Final = re.compile(
    r"(?<!pre.)(?<!non.)(?<!not.)(?<![^\W_])prod(?:uction)?(?![^\W_])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackLink:
    url: str
    label: str


def environment_color(settings: Settings) -> str:
    """A class of the label; production is red whatever was chosen for it."""
    if _PRODUCTION.search(settings.ENVIRONMENT):
        return "red"
    return settings.ENVIRONMENT_COLOR


def logo(settings: Settings) -> str:
    """Where the picture is; nothing when a manifest of static files does not know it."""
    if not settings.LOGO or settings.LOGO.startswith("/"):
        return settings.LOGO
    try:
        return static(settings.LOGO)
    except ValueError:
        return ""


def back_link(settings: Settings) -> BackLink | None:
    """The way into the rest of the project; ``None`` when its name leads nowhere."""
    if not settings.BACK_LINK:
        return None
    target, label = settings.BACK_LINK
    if target.startswith(("/", "http://", "https://")):
        return BackLink(url=target, label=label)
    try:
        return BackLink(url=reverse(target), label=label)
    except NoReverseMatch:
        return None
