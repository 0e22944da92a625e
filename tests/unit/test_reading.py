"""What readers are shown, made from texts that anybody may have sent."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from django_celery_monitor.reading import words
from django_celery_monitor.reading.call import call
from django_celery_monitor.reading.trace import parts


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ("()", "{}", []),
        ("", "", []),
        ("(1,)", "{}", ["1"]),
        ("[1, 'a, b']", "{}", ["1", "'a, b'"]),
        ("(1, (2, 3), {'a': [4, 5]})", "{}", ["1", "(2, 3)", "{'a': [4, 5]}"]),
        ("()", "{'size': (640, 480), 'név': 'ö'}", ["size=(640, 480)", "név='ö'"]),
        ("()", "{'not a name': 1, 7: 8}", ["'not a name': 1", "7: 8"]),
        (r"('it\'s, so',)", "{}", [r"'it\'s, so'"]),
        (
            "(1, 'cut off in the mid...",
            "{'a': 1, ...}",
            ["1", "'cut off in the mid...", "a=1", "..."],
        ),
        ("<Proxy at 0x7f>", "{}", ["<Proxy at 0x7f>"]),
    ],
)
def test_a_call_is_taken_apart(args: str, kwargs: str, expected: list[str]) -> None:
    assert call(args, kwargs) == expected


@given(st.text(), st.text())
def test_any_text_is_taken_apart_and_nothing_of_it_is_lost_but_brackets(a: str, b: str) -> None:
    assert all(isinstance(part, str) for part in call(a, b))


@given(
    st.lists(st.integers() | st.text() | st.lists(st.text())), st.dictionaries(st.text(), st.text())
)
def test_python_s_own_texts_come_apart_where_python_put_them_together(
    args: list[object], kwargs: dict[str, str]
) -> None:
    assert len(call(repr(tuple(args)), repr(kwargs))) == len(args) + len(kwargs)


FRAMES = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
        ^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/json/__init__.py", line 1, in loads
    x
  File "/srv/shop/tasks.py", line 88, in charge
    gateway.charge()
  File "<frozen importlib>", line 2, in f
ValueError: first line
second line

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
KeyError: 'x'"""


def test_frames_of_libraries_are_told_from_the_project_s_own() -> None:
    found = parts(FRAMES)
    assert [(part.kind, part.frames) for part in found] == [
        ("text", 0),
        ("library", 2),
        ("own", 1),
        ("library", 1),
        ("error", 0),
        ("text", 0),
        ("error", 0),
    ]
    assert found[1].packages == "celery"
    assert found[4].text == "ValueError: first line\nsecond line"


def test_frames_of_the_project_lead_to_their_source(settings: Settings) -> None:
    def urls() -> list[str]:
        return [line.url for part in parts(FRAMES) for line in part.lines]

    assert urls() == ["", ""]
    links = {
        "/srv/": "https://example.org/{path}",
        "/srv/shop/": "https://example.org/shop/{path}#L{line}",
        "/usr/": "https://example.org/never/{path}",
    }
    settings.CELERY_MONITOR = {"SOURCE_LINKS": links}
    assert urls() == ["https://example.org/shop/tasks.py#L88", ""]
    hostile = parts('  File "/srv/shop/a?b#{line}\u202e\ud800.py", line 7, in f')
    assert [line.url for part in hostile for line in part.lines] == [
        "https://example.org/shop/a%3Fb%23%7Bline%7D%E2%80%AE%3F.py#L7"
    ]


@given(st.text())
def test_the_whole_of_any_traceback_is_there(text: str) -> None:
    assert "\n".join(part.text for part in parts(text)) == "\n".join(text.splitlines())


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (-3, "0 ms"),
        (0, "0 ms"),
        (0.0004, "0.40 ms"),
        (0.0842, "84.2 ms"),
        (0.84, "840 ms"),
        (0.9999, "1 s"),
        (1.214, "1.21 s"),
        (41.25, "41.2 s"),
        (59.97, "1 min"),
        (100, "1 min 40 s"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (86400, "1 d"),
        (5 * 86400 + 4 * 3600, "5 d 4 h"),
        (86400 * 3000, "3,000 d"),
    ],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert words.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (86400, "24 h ago"),
        (86400 * 2, "2 d ago"),
    ],
)
def test_ages(seconds: float, expected: str) -> None:
    assert words.age(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (8640, "8,640"), (12_345, "12.3 k"), (412_000, "412 k"), (1_190_000, "1.19 M")],
)
def test_counts(number: int, expected: str) -> None:
    assert words.count(number) == expected


def test_numbers_follow_the_language() -> None:
    with translation.override("de"):
        assert words.duration(1.5).startswith("1,50")
