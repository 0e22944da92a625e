"""The search box's spelling of filters, and that the two spellings say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.filters import (
    FIELDS,
    And,
    FilterError,
    Not,
    Or,
    Term,
    from_params,
    is_private,
    parse,
    spelled,
    split,
    to_params,
    to_q,
)
from django_celery_monitor.filters.given import built
from django_celery_monitor.filters.paths import PATH

TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=12).map(str.strip).filter(bool)
PATHS = st.from_regex(PATH, fullmatch=True)
COMPARED = {
    "priority": st.from_regex(r"(>|<|>=|<=|)-?[0-9]{1,4}", fullmatch=True),
    "retries": st.from_regex(r"(>|<|>=|<=|)[0-9]{1,4}", fullmatch=True),
    "runtime": st.from_regex(r"(>|<|>=|<=)[0-9]{1,9}(ms|s|m|h|d)?", fullmatch=True),
    "wait": st.from_regex(r"(>|<|>=|<=)[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True),
    "after": st.from_regex(r"[0-9]{1,3}[smhdw]", fullmatch=True),
    "failed": st.just("2h"),
    "before": st.sampled_from(["2026-01-31T14:00", "15m"]),
}


@st.composite
def expressions(draw: st.DrawFn) -> And:
    fields = draw(
        st.lists(st.tuples(st.sampled_from(list(FIELDS)) | PATHS, st.booleans()), max_size=5)
    )
    values = {
        place: draw(st.lists(COMPARED.get(place[0], TEXTS), min_size=1, max_size=4))
        for place in fields
    }
    return built(values)


@given(expressions())
def test_each_spelling_can_be_read_back(expression: And) -> None:
    assert parse(spelled(expression)) == expression
    assert from_params(to_params(expression)) == expression


@given(st.text() | st.text('-:,"\\\\ \0abstateq>1.kwrgs', max_size=30))
def test_nothing_that_is_typed_crashes(text: str) -> None:
    error, found = None, And(())
    try:
        found = parse(text)
    except FilterError as refused:
        error = refused
    assert parse(spelled(found)) == found
    to_q(found)
    if error is not None:
        start, end = error.span or (0, len(text))
        assert (0 <= start < end <= len(text), bool(str(error))) == (True, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", And(())),
        ("state:failed,lost", And((Or((Term("state", "failed"), Term("state", "lost"))),))),
        ("state:failed state:lost", parse("state:failed,lost")),
        ("-queue:mail", And((Not(Term("queue", "mail")),))),
        ("task:shop.*", And((Term("name", "shop.*"),))),
        ("type:shop.pay Name:shop.pay", And((Term("name", "shop.pay"),))),
        ('queue:"my queue","a,b"', And((Or((Term("queue", "my queue"), Term("queue", "a,b"))),))),
        (r'"say \"hi\" \\o/"', And((Term("q", 'say "hi" \\o/'),))),
        ("timed out", And((Term("q", "timed"), Term("q", "out")))),
        ('"timed out', And((Term("q", "timed out"),))),
        ("-dhl", And((Not(Term("q", "dhl")),))),
        ("-", And((Term("q", "-"),))),
        ("https://x.test", And((Term("q", "https://x.test"),))),
        ("KeyError:x", And((Term("q", "KeyError:x"),))),
        ("text:dhl", And((Term("q", "dhl"),))),
        ("exception:KeyError", And((Term("error", "KeyError"),))),
        ("kwargs.order.id:42", And((Term("kwargs.order.id", "42"),))),
        ("-args.0:a,b", And((Not(Or((Term("args.0", "a"), Term("args.0", "b")))),))),
        ("shop.orders:x", And((Term("q", "shop.orders:x"),))),
        ("runtime:>30s,<5m", And((Term("runtime", ">30s"), Term("runtime", "<5m")))),
    ],
)
def test_what_is_typed_means(text: str, expected: And) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "span", "advice"),
    [
        ("a stat:x b", (2, 8), "Did you mean state:?"),
        ("zebra:x", (0, 7), "put quotes around it"),
        ("state:, x", (0, 7), "such as state:failed"),
        ("-wait:5m", (6, 8), "use >30s, <5m"),
        ('priority:"high er"', (9, 18), "use 3, >2"),
        ("after:1h,soon", (9, 13), "use 15m"),
        ("a\0b", (0, 3), "NUL"),
        ("args.first:x b", (0, 12), "use kwargs.order.id: or args.0:"),
        ("kwargs.Ž:x", (0, 10), "names no argument"),
        ("kwargs.a:", (0, 9), "kwargs.a needs a value, such as kwargs.a:42"),
    ],
)
def test_what_is_wrong_is_pointed_at(text: str, span: tuple[int, int], advice: str) -> None:
    with pytest.raises(FilterError, match=advice.replace("?", ".")) as caught:
        parse(text)
    assert caught.value.span == span


def test_more_texts_than_a_search_bears_are_refused() -> None:
    parse(" ".join("abcdefghij"))
    with pytest.raises(FilterError, match="at most 10"):
        parse(" ".join("abcdefghijk"))
    with pytest.raises(FilterError, match="at most 10"):
        parse("kwargs.a:" + ",".join("abcdefghijk"))
    with pytest.raises(FilterError, match="11 arguments are asked for; at most 10"):
        parse(" ".join(f"args.{number}:a" for number in range(11)))


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("state:failed task:shop.pay after:2h", "state:failed task:shop.pay after:2h"),
        ("task:shop.pay runtime:>30s dhl", "task:shop.pay"),
        ("task:shop.* -state:failed", ""),
        ("root:a queue:a,b*", "root:a"),
        ("queue:a kwargs.id:7", "queue:a"),
    ],
)
def test_what_indexes_find_is_told_from_what_must_be_looked_for(text: str, served: str) -> None:
    found, sought = split(parse(text))
    assert found == parse(served)
    assert set(found.parts) | set(sought.parts) == set(parse(text).parts)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("state:failed runtime:>3s error:KeyError error:Key* failed:1h", False),
        ('error:"KeyError(\'x"', True),
        ("-error:a'", True),
        ("dhl", True),
        ("-args:1", True),
        ("kwargs:1", True),
        ("-kwargs.a.b:1", True),
        ("result:1", True),
    ],
)
def test_what_tells_of_arguments_is_known(text: str, private: bool) -> None:
    assert is_private(parse(text)) is private
