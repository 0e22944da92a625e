"""The parts that every page is made of, as markup."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.template import Context, Template

from django_celery_monitor.reading.json_text import parsed, written
from django_celery_monitor.templatetags.json_lines import LINES


def shown(source: str, **context: Any) -> str:
    return Template("{% load celery_monitor_parts %}" + source).render(Context(context))


def json_of(value: Any) -> str:
    """What copying takes: the text of all lines."""
    markup = shown("{% json_view value 'x' %}", value=value)
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993",
        "123456789012345678901234567890",
        "1.10",
        "1e400",
        "-0.0",
        f"{'9' * 5000}",
        '{"a": [1, {"b": null}], "c": true, "": "\\u0000 \\" <b>"}',
        "[]",
        '{"empty": {}, "none": []}',
        '["\\ud800"]',
    ],
)
def test_json_is_shown_digit_for_digit(text: str) -> None:
    shown = json_of(parsed(text))
    assert json.loads(shown, parse_float=str, parse_int=str) == json.loads(
        text, parse_float=str, parse_int=str
    )


def test_text_that_is_no_json_stays_a_text() -> None:
    assert parsed("(1, 'a')") == "(1, 'a')"
    assert parsed("[" * 100_000) == "[" * 100_000
    assert parsed(None) is None
    assert written(object).startswith('"<class')


def test_markup_in_json_stays_text() -> None:
    hostile = {"</div><script>alert(1)</script>": "<img src=x onerror=alert(1)>"}
    markup = shown("{% json_view value 'x' %}", value=hostile)
    assert "<script" not in markup
    assert "<img" not in markup


def test_a_huge_value_is_cut_and_says_so() -> None:
    markup = shown("{% json_view value 'x' %}", value=list(range(1_000_000)))
    assert markup.count("json-line") < LINES + 10
    assert f"… {1_000_000 - LINES + 1} more" in markup
    assert "characters more" in shown("{% json_view value 'x' %}", value="x" * 1_000_000)
    deep: list[Any] = []
    for _level in range(500):
        deep = [deep]
    assert shown("{% json_view value 'x' %}", value=deep)


@pytest.mark.parametrize(
    ("source", "text", "hint"),
    [
        ("{% counted 8640 %}", "8,640", "8,640"),
        ("{% counted 0 %}", "0", "0"),
        ("{% counted 1190000 %}", "1.19 M", "1,190,000"),
        ("{% counted 10000 at_least=True %}", "10,000+", "At least 10,000"),
        ("{% counted None why='The broker did not answer.' %}", "?", "The broker did not answer."),
    ],
)
def test_a_count_says_what_it_is(source: str, text: str, hint: str) -> None:
    markup = shown(source)
    assert f">{text}<" in markup
    assert hint in markup


def test_dialogs_escape_their_titles() -> None:
    markup = shown("{% drawer 'd' title %}{{ title }}{% enddrawer %}", title="<b>")
    assert markup.count("&lt;b&gt;") == 2
    assert "<b>" not in markup
