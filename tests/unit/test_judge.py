from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.events import BadEventError
from django_celery_monitor.ingest import judge
from tests.streams import examples

NOW = 1_750_000_000.0
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'[{"a": 1}, {"b": 2}]', [{"a": 1}, {"b": 2}]),
        (b"[]", []),
        (b"7", [7]),
        (b'{"a": NaN, "b": Infinity, "c": -Infinity}', [{"a": None, "b": None, "c": None}]),
        (b'{"a": 1e999}', [{"a": None}]),
        (b'{"a": NaN, "b": 18446744073709551616}', [{"a": None, "b": "18446744073709551616"}]),
        (b'{"a": "x\\ud800y"}', [{"a": "x?y"}]),
        (b'{"a\\u0000b": ["\\u0000"]}', [{"a\ufffdb": ["\ufffd"]}]),
        ('{"a": "é"}'.encode("utf-16"), [{"a": "é"}]),
        (b'\xef\xbb\xbf{"a": 1}', [{"a": 1}]),
    ],
)
def test_messages_that_can_be_read(body: bytes, expected: list[Any]) -> None:
    assert judge.load(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"no json",
        b"\x80\x02}q\x00.",
        b'{"a": "\x00"}',
        b"\xff\xfe\x00",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        b'["\\u0000",' + b"[" * 1_000 + b"]" * 1_000 + b"]",
    ],
)
def test_messages_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(BadEventError):
        judge.load(body)


@examples(100)
@given(value=json_values)
def test_whatever_python_writes_can_be_read_and_stored(value: Any) -> None:
    found = judge.load(json.dumps(value).encode())
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text
    assert text.encode()


@pytest.mark.parametrize("value", [None, "", 7, True, ["x"], {"x": 1}, "x" * 256])
def test_what_is_no_identifier(value: Any) -> None:
    with pytest.raises(BadEventError, match="uuid"):
        judge.identifier(value, "uuid")


def test_an_identifier_may_be_any_text_that_fits() -> None:
    for value in ("x" * 255, "\U0001f600" * 255, "' OR 1=1 --", "a/b"):
        assert judge.identifier(value, "uuid") == value


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "1750000000", True, [], {}, float("nan"), float("inf")),
        *(0, -1, judge.EARLIEST - 1, NOW + judge.DAY + 1, 10**400),
    ],
)
def test_what_is_no_time_of_an_event(value: Any) -> None:
    with pytest.raises(BadEventError, match="timestamp"):
        judge.timestamp(value, NOW)


def test_times_of_events_from_2009_to_tomorrow() -> None:
    for value in (judge.EARLIEST, NOW, int(NOW), NOW + judge.DAY):
        assert judge.timestamp(value, NOW) == value
        assert type(judge.timestamp(value, NOW)) is float


@pytest.mark.parametrize("value", [None, "7", 1.5, True, -1, 2**63, [], {}])
def test_what_is_no_count_is_zero(value: Any) -> None:
    assert judge.integer(value) == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T14:34:17+00:00", datetime(2026, 11, 22, 14, 34, 17, tzinfo=UTC).timestamp()),
        ("2026-11-22T14:34:17", datetime(2026, 11, 22, 14, 34, 17, tzinfo=UTC).timestamp()),
        (1750000000.5, 1750000000.5),
        (None, None),
        ("tomorrow", None),
        ("", None),
        (True, None),
        (-1, None),
        (1e300, None),
        ([], None),
        # Times that a database or a time zone cannot hold.
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("9999-12-31T23:59:59", None),
        ("1969-07-20T20:17:40", None),
    ],
)
def test_moments(value: Any, expected: float | None) -> None:
    assert judge.moment(value) == expected


def test_a_cut_text_says_how_long_it_was() -> None:
    assert judge.cut("x" * 10, 10) == "x" * 10
    assert judge.cut("x" * 1_000_000, 10) == "xxxxxxxxxx… (1,000,000 characters)"
    assert judge.cut("x" * 20, 10, 3000) == "xxxxxxxxxx… (3,000 characters)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), (7, "7"), ("x" * 300, "x" * 255), ({"a": 1}, None), (True, None), (None, None)],
)
def test_short_texts(value: Any, expected: str | None) -> None:
    assert judge.short_text(value) == expected
