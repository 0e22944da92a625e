"""Acts: what is offered, what was done, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.models import ControlAction, ControlTarget, Task
from django_celery_monitor.templatetags.celery_monitor_parts import json_view
from django_celery_monitor.views.acted import KINDS, label_of
from django_celery_monitor.views.offers import Offer, Offers, of_row

register = template.Library()
register.simple_tag(label_of, name="act_label")

VERDICTS: Final = {
    "done": _("Done."),
    "refused": _("Refused."),
    "unclear": _("Unclear."),
    "nothing": _("Nothing to do."),
}
# The page of what was acted on, by kind.
PAGES: Final = {"task": "task", "type": "type", "worker": "worker", "queue": "queue"}


@register.simple_tag
def offered(offer: Offer, kind: str = "btn") -> SafeString:
    """One control, as a link to its form, or greyed with the reason."""
    if offer.reason:
        return format_html(
            '<span class="{0}" role="button" aria-disabled="true" tabindex="0" title="{2}">{1}'
            '<span class="unseen"> ({2})</span></span>',
            kind,
            offer.label,
            offer.reason,
        )
    link = '<a class="{}" href="{}" title="{}" data-act>{}</a>'
    return format_html(link, kind, offer.url, offer.hint, offer.label)


@register.simple_tag
def offer(offers: Offers, act: str, label: str = "", kind: str = "btn", **given: Any) -> SafeString:
    """The one for an act, of those that can be done to what a page shows."""
    return offered(offers.of(act, label=label, **given), kind)


def row_offer(offers: Offers, task: Task) -> SafeString | str:
    """What one mostly wants to do to a task in a list: stop it, or run it again."""
    found = of_row(offers, task)
    return "" if found is None else offered(found, "link")


@register.simple_tag
def outcome(action: ControlAction) -> SafeString:
    """By colour, shape and word."""
    kind, said = KINDS.get(action.outcome, "unknown"), action.get_outcome_display()
    return format_html(
        '<span class="st st-{0}" title="{2}"><svg class="icon" aria-hidden="true">'
        '<use href="#i-{0}"/></svg>{1}</span>',
        kind,
        capfirst(said),
        action.detail or said,
    )


@register.simple_tag
def verdict(value: str) -> str:
    return str(VERDICTS.get(value, value))


@register.filter
def of(names: Mapping[str, str], key: str) -> str:
    return names.get(key, "")


@register.simple_tag
def told_view(content: Any, number: int) -> SafeString:
    """What a worker told: a text as it is, everything else as JSON."""
    lines = content.get("ok") if isinstance(content, dict) and set(content) == {"ok"} else content
    if isinstance(lines, str):
        return format_html('<pre class="told" tabindex="0">{}</pre>', lines)
    return json_view(lines, f"told-{number}")


@register.simple_tag
def target_link(target: ControlTarget, tasks: bool, workers: bool) -> SafeString:
    may = workers if target.kind == ControlTarget.Kind.WORKER else tasks
    if not may or target.value == "*" or target.kind not in PAGES:
        return format_html('<span class="mono">{}</span>', target.value)
    url = reverse(f"celery_monitor:{PAGES[target.kind]}", args=(target.value,))
    return format_html('<a class="link mono" href="{}">{}</a>', url, target.value)
