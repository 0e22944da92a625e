"""Controls for who may use them, greyed for everybody else."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from django_celery_monitor.access.who import right_to

register = template.Library()


@register.simple_block_tag(takes_context=True, end_name="endallowed")
def allowed(
    context: template.Context, content: SafeString, act: str, label: str, obj: object = None
) -> SafeString:
    """What is inside, for a reader who may do ``act``, here or to ``obj``.

    Others get a greyed button with ``label``, which says who may.
    """
    right = right_to(context["reader"], act, obj)
    return content if right.allowed else greyed(label, right.reason)


@register.simple_tag
def greyed(label: str, reason: str) -> SafeString:
    """A button that does nothing but say why; it can be reached by keyboard, as others can."""
    return format_html(
        '<span class="btn" role="button" aria-disabled="true" tabindex="0" title="{1}">{0}'
        '<span class="unseen"> ({1})</span></span>',
        label,
        reason,
    )
