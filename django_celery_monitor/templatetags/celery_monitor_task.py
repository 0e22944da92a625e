"""Parts of the task page that are many; in a template each would take most of its time."""

from __future__ import annotations

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from django_celery_monitor.reading import words
from django_celery_monitor.reading.code import Piece
from django_celery_monitor.reading.siblings import Bar, Siblings
from django_celery_monitor.templatetags.celery_monitor import state_group
from django_celery_monitor.views.addresses import of_task

register = template.Library()
_BAR = (
    '<li><a href="{}" title="{}"{}><svg viewBox="0 0 8 56" preserveAspectRatio="none" '
    'aria-hidden="true"><rect class="bar-wait" x="1" width="6" y="{}" height="{}"/>'
    '<rect class="st-{}" x="1" width="6" y="{}" height="{}"/>{}</svg>'
    '<span class="unseen">{} {}</span></a></li>'
)


@register.simple_tag
def run_bars(siblings: Siblings, task_id: str) -> SafeString:
    """Each run of a type as a bar that leads to it."""
    line = (
        format_html('<path class="bar-line" d="M0 {}h8"/>', siblings.line) if siblings.line else ""
    )
    said = _("waited %(wait)s, ran %(run)s · %(time)s")
    drawn = (_drawn(bar, said, line, bar.task.id == task_id) for bar in siblings.bars)
    return SafeString("".join(drawn))


def _drawn(bar: Bar, said: str, line: SafeString | str, here: bool) -> str:
    """Escaped; the numbers and the group are ours."""
    took, state = words.duration(bar.run), bar.task.state
    times = {"wait": words.duration(bar.wait), "run": took}
    time = localtime(bar.task.time).isoformat(" ", "seconds")[:19]
    return _BAR.format(
        escape(of_task(bar.task.id)),
        escape(said % {**times, "time": time}),
        ' aria-current="true"' if here else "",
        bar.wait_y,
        bar.wait_height,
        state_group(state),
        bar.run_y,
        bar.run_height,
        line,
        escape(words.STATES.get(state, state)),
        escape(took),
    )


@register.simple_tag
def code(pieces: list[Piece]) -> SafeString:
    """A value with its parts coloured."""
    return format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="code-{}">{}</span>', kind, text) if kind else text,)
            for kind, text in pieces
        ),
    )
