"""A JSON value as lines that fold, each escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_celery_monitor.reading.json_text import written

LINES: Final = 2_000
DEPTH: Final = 40
LONGEST: Final = 20_000
# What is deeper, or larger, starts folded.
OPEN_DEPTH: Final = 3
OPEN_SIZE: Final = 60
NONE: Final = SafeString("")


class JsonLines:
    """Writes one value; knows how many lines there may still be."""

    def __init__(self) -> None:
        self._left = LINES

    def of(self, value: Any, key: SafeString = NONE, end: str = "", depth: int = 0) -> SafeString:
        self._left -= 1
        if isinstance(value, dict) and value and depth < DEPTH:
            items = ((_key(name), each) for name, each in value.items())
            return self._folded(items, len(value), key, "{", "}" + end, depth)
        if isinstance(value, list | tuple) and value and depth < DEPTH:
            items = ((NONE, each) for each in value)
            return self._folded(items, len(value), key, "[", "]" + end, depth)
        return _line(format_html("{}{}{}", key, _leaf(value), end))

    def _folded(
        self,
        items: Iterable[tuple[SafeString, Any]],
        size: int,
        key: SafeString,
        begin: str,
        end: str,
        depth: int,
    ) -> SafeString:
        hint = ngettext("%(n)s item", "%(n)s items", size) % {"n": size}
        return format_html(
            '<details{}><summary class="json-line" data-hint=" {} {}">{}{}</summary>'
            '<div class="json-in">{}</div>{}</details>',
            SafeString(" open") if depth < OPEN_DEPTH and size <= OPEN_SIZE else "",
            hint,
            end,
            key,
            begin,
            format_html_join("", "{}", ((line,) for line in self._inside(items, size, depth))),
            _line(end),
        )

    def _inside(
        self, items: Iterable[tuple[SafeString, Any]], size: int, depth: int
    ) -> Iterator[SafeString]:
        for shown, (key, each) in enumerate(items):
            if self._left <= 0:
                more = ngettext("… %(n)s more", "… %(n)s more", size - shown) % {"n": size - shown}
                yield _line(format_html('<i class="faint">{}</i>', more))
                return
            yield self.of(each, key, "," if shown < size - 1 else "", depth + 1)


def _line(text: SafeString | str) -> SafeString:
    return format_html('<div class="json-line">{}</div>', text)


def _key(name: Any) -> SafeString:
    return format_html('<span class="json-key">{}</span>: ', written(str(name)))


def _leaf(value: Any) -> SafeString:
    if isinstance(value, dict | list | tuple):
        text = written(value) if value else ("{}" if isinstance(value, dict) else "[]")
    else:
        text = written(value)
    kind = "text" if text.startswith('"') else "word"
    if len(text) <= LONGEST:
        return format_html('<span class="json-{}">{}</span>', kind, text)
    more = _("… and %(n)s characters more") % {"n": len(text) - LONGEST}
    cut = text[:LONGEST]
    return format_html('<span class="json-{}">{}<i class="faint">{}</i></span>', kind, cut, more)
