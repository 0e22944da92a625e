"""Whether a task can be sent again, decided from what is known of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.json import dumps

from django_celery_monitor.control.drafts import StillMaskedError, restored
from django_celery_monitor.control.message import values_of
from django_celery_monitor.control.whole import Reason, Source, Whole, retriable
from django_celery_monitor.events import PUBLISHED, TaskEvent
from django_celery_monitor.ingest.redact import MASK, Redactor
from django_celery_monitor.recorder.arguments import payload_of

NOW = datetime(2026, 1, 31, 14, tzinfo=UTC)
PAYLOAD = '[[1], {"size": 2}]'


def published(**own: Any) -> TaskEvent:
    data = {"name": "shop.pay", "payload": PAYLOAD, "queue": "mail"} | own
    return TaskEvent(1.0, 1, PUBLISHED, "gen1@web", 7, data)


def sent(**own: Any) -> TaskEvent:
    data = {"name": "shop.pay", "args": "(1,)", "kwargs": "{'size': 2}", "queue": "mail"} | own
    return TaskEvent(1.0, 1, "sent", "gen1@web", 7, data)


def whole(*events: TaskEvent, **known: Any) -> Whole:
    found = retriable("shop.pay", events, NOW, **known)
    assert isinstance(found, Whole), found
    return found


def why_not(*events: TaskEvent, name: str = "shop.pay", **known: Any) -> Reason:
    found = retriable(name, events, NOW, **known)
    assert isinstance(found, Reason)
    return found


def test_all_that_the_recorder_told_is_sent_again() -> None:
    event = published(
        exchange="shop",
        routing_key="mail.now",
        priority=3,
        headers={"tenant": "a"},
        stamps={"order": "7"},
        timelimit=[60, 50.5],
        eta=NOW.timestamp() + 60,
        expires=NOW.timestamp() + 90,
    )
    found = whole(event, sent(queue="other"))
    message = found.message
    assert found.source == Source.RECORDER
    assert (message.args, message.kwargs) == ([1], {"size": 2})
    assert (message.queue, message.exchange, message.routing_key) == ("mail", "shop", "mail.now")
    assert (message.priority, message.headers, message.stamps) == (
        3,
        {"tenant": "a"},
        {"order": "7"},
    )
    assert (message.time_limit, message.soft_time_limit) == (60, 50.5)
    assert message.eta == NOW + timedelta(seconds=60)
    assert message.expires == NOW + timedelta(seconds=90)
    assert found.unknown == ()


def test_what_is_over_would_throw_the_task_away() -> None:
    found = whole(published(eta=NOW.timestamp() - 60, expires=NOW.timestamp() - 9))
    assert (found.message.eta, found.message.expires) == (None, None)
    assert "expired" in str(found.unknown)


@pytest.mark.parametrize(
    ("event", "setting"),
    [
        (sent(), "result_extended"),
        (published(payload=None, flaw="cut"), "RECORD_MAX_PAYLOAD"),
        (published(payload=f'[["{MASK}"], {{}}]', flaw="redacted"), "REDACT_KEYS"),
        (published(payload=f'[["{MASK}"], {{}}]'), "REDACT_KEYS"),
        (published(payload=json.dumps([[MASK], {}])), "REDACT_KEYS"),
        (published(payload=None, flaw="serializer"), "task_serializer"),
        (published(payload=None), "RECORD"),
        (published(payload="[1"), "RECORD"),
        (published(payload="[1, 2, 3]"), "RECORD"),
        (published(payload='[[{"__type__": "nobody", "__value__": 1}], {}]'), "RECORD"),
        (published(flaw="something new"), "RECORD"),
        # Perhaps the task was retried with others.
        (published(retries=1), "RECORD"),
        # It replaced itself by another one.
        (published(name="shop.before"), "RECORD"),
    ],
)
def test_what_is_not_known_whole_is_refused_with_the_setting_that_fixes_it(
    event: TaskEvent, setting: str
) -> None:
    found = why_not(event)
    assert found.text
    assert setting in found.setting


def test_a_task_without_a_name_is_refused() -> None:
    assert why_not(published(), name="")


def test_the_result_backend_is_used_where_the_recorder_does_not_know() -> None:
    kept = {"name": "shop.pay", "args": [1, NOW], "kwargs": {"token": "hunter2"}}
    found = whole(sent(), kept=kept)
    assert found.source == Source.BACKEND
    assert values_of(found.message) == ([1, NOW], {"token": "hunter2"})
    assert (found.message.queue, found.message.as_type) == ("mail", True)
    assert len(found.unknown) == 2
    # What the recorder left out of the arguments it still knew of the rest.
    event = published(payload=None, flaw="redacted", priority=4)
    found = whole(event, kept=kept)
    assert (found.source, found.message.priority) == (Source.BACKEND, 4)
    assert found.message.kwargs == {"token": "hunter2"}


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"name": "shop.other", "args": [1], "kwargs": {}},
        {"name": "shop.pay", "args": "(1,)", "kwargs": "{}"},
        {"name": "shop.pay", "args": [1], "kwargs": None},
        {"name": "shop.pay", "args": [object()], "kwargs": {}},
        {"task_name": "shop.pay", "task_args": "(1,)"},
    ],
)
def test_what_a_backend_keeps_otherwise_is_not_used(kept: dict[str, Any]) -> None:
    assert why_not(sent(), kept=kept)


def test_another_serializer_is_refused_whatever_the_backend_keeps() -> None:
    kept = {"name": "shop.pay", "args": [1], "kwargs": {}}
    assert "task_serializer" in why_not(sent(), kept=kept, serializer="pickle").setting
    event = published(payload=None, flaw="serializer")
    assert "task_serializer" in why_not(event, kept=kept).setting


def test_masked_headers_are_not_sent_and_said() -> None:
    found = whole(published(headers={"authorization": MASK, "tenant": "a"}, stamps={"k": [MASK]}))
    assert (found.message.headers, found.message.stamps) == ({"tenant": "a"}, {})
    assert "authorization" in str(found.unknown)


def test_a_place_where_tasks_wait_for_their_time_is_no_place_to_send_to() -> None:
    found = whole(published(exchange="celery_delayed_27", routing_key="0.0.1.mail"))
    assert (found.message.queue, found.message.exchange) == ("", "")


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
)
KEYS = st.text().filter(lambda key: key not in ("__type__", "__value__"))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(st.lists(VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_the_recorder_took_down_comes_out_equal_to_what_a_worker_got(
    args: list[Any], kwargs: dict[str, Any]
) -> None:
    payload, flaw = payload_of(tuple(args), kwargs, "json", 10**6, long=False)
    if flaw or MASK in payload:
        return
    first = whole(published(payload=payload)).message
    got = values_of(first)
    assert json.loads(dumps(got)) == json.loads(dumps([args, kwargs]))
    assert got == (args, kwargs)


def test_values_of_other_types_are_theirs_again() -> None:
    values = [NOW, NOW.date(), Decimal("1.10"), UUID(int=7), b"\xff\x00", "é" * 3, 2**70]
    payload, _flaw = payload_of(tuple(values), {}, "json", 10**6, long=False)
    assert values_of(whole(published(payload=payload)).message) == (values, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["token", "size", "password", "to"]), inner, max_size=3)
    ),
)


@given(JSON)
def test_what_nobody_changed_is_put_together_again_as_it_was(value: Any) -> None:
    masked = Redactor(("token", "password")).value(value)
    assert json.dumps(restored(masked, masked, value)) == json.dumps(value)


def test_what_is_not_shown_is_known_only_where_it_stood() -> None:
    original = {"token": "hunter2", "to": "ann", "many": [{"password": "x"}, 1]}
    masked = Redactor(("token", "password")).value(original)
    changed = masked | {"to": "bob", "many": [masked["many"][0], True]}
    expected = original | {"to": "bob", "many": [{"password": "x"}, True]}
    assert json.dumps(restored(changed, masked, original)) == json.dumps(expected)
    for moved in ({"to": MASK}, {"other": {"token": MASK}}, {"many": [1, {"password": MASK}]}):
        with pytest.raises(StillMaskedError):
            restored(masked | moved, masked, original)
    with pytest.raises(StillMaskedError):
        restored(masked, masked, masked)
