"""Searching in arguments: each database reads the recorder's JSON in its own way."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from django_celery_monitor.filters import parse, to_q
from django_celery_monitor.models import Task
from django_celery_monitor.pipeline import Pipeline

pytestmark = pytest.mark.django_db(databases=["default", "postgresql", "mariadb"])
_clock = count(1)
UUID = "5f0c1c0e-9d4b-4d6c-9a55-0a4f3a2b1c0d"


def keep(task_id: str, payload: Any = None, **own: Any) -> None:
    event = {
        "type": "task-sent",
        "uuid": task_id,
        "hostname": "gen1@web",
        "utcoffset": 0,
        "timestamp": timezone.now().timestamp(),
        "pid": 7,
        "clock": next(_clock),
        "name": "shop.ship",
        "args": "()",
        "kwargs": "{}",
        "retries": 0,
        **own,
    }
    if payload is not None:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        event |= {"type": "monitor-published", "payload": text}
    Pipeline().store([json.dumps([event]).encode()])


def found(text: str) -> list[str]:
    return sorted(Task.objects.filter(to_q(parse(text))).values_list("id", flat=True))


def test_arguments_that_are_known_whole_are_found_by_their_place(alias: str) -> None:
    keep("a", [["mail", [7, 8]], {"order": {"id": 42, "paid": True, "note": "a, “b”"}}])
    keep("b", '[["mail",[8,7]],{"order":{"id":421,"paid":null,"lines":[{"sku":"x-1"}]}}]')
    keep("c", [[], {"order": "42", "id": 42}])
    assert found("kwargs.order.id:42") == ["a"]
    assert found("kwargs.order.id:42*") == ["a", "b"]
    assert found("kwargs.order.id:42,421") == ["a", "b"]
    assert found("-kwargs.order.id:42") == ["b", "c"]
    assert found("kwargs.order:42 kwargs.id:42") == ["c"]
    assert found("kwargs.order.paid:true") == ["a"]
    assert found("kwargs.order.paid:null") == ["b"]
    assert found("kwargs.order.paid:*") == ["a", "b"]
    assert found('kwargs.order.note:"a, “b”"') == ["a"]
    assert found("kwargs.order.note:A*") == []
    assert found("kwargs.order.lines.0.sku:x-1") == ["b"]
    assert found("args.0:mail") == ["a", "b"]
    assert found("args.1.0:7") == ["a"]
    assert found("args.2:*") == []
    assert alias


def test_values_of_other_types_are_found_as_they_are_written(alias: str) -> None:
    told = {"__type__": "uuid", "__value__": {"hex": UUID.replace("-", "")}}
    when = {"__type__": "datetime", "__value__": "2026-01-31T14:00:00+00:00"}
    keep("a", [[told], {"when": when}])
    assert found(f"args.0:{UUID}") == ["a"]
    assert found("kwargs.when:2026-01-31*") == ["a"]
    assert alias


def test_where_only_a_text_is_known_that_is_looked_at(alias: str) -> None:
    keep("a", args="(7, 'mail')", kwargs="{'order': {'id': 42, 'by': 'ana'}}")
    keep("b", args="(77, 'email')", kwargs="{'order': {'id': 421, 'by': \"O'Hara\"}}")
    keep("c", kwargs="{'id': 42}")
    assert found("kwargs.order.id:42") == ["a"]
    assert found("kwargs.order.id:42*") == ["a", "b"]
    assert found("-kwargs.order.id:42") == ["b", "c"]
    assert found("kwargs.order.by:ana") == ["a"]
    assert found("kwargs.order.by:O'Hara") == ["b"]
    assert found("args.0:7") == ["a"]
    assert found("args.1:mail") == ["a"]
    assert alias


@pytest.mark.parametrize(
    "payload",
    [
        '[[NaN], {"id": 42}]',
        "no JSON",
        "[" * 5000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        r'[["\ud800"], {"id": 42, "x": "\udc00\ud800"}]',
        r'[["a\u0000b"], {"id": 42}]',
        '[[1e999999], {"id": 42}]',
        '[42, "id"]',
        '"id"',
    ],
)
def test_no_payload_breaks_the_search(alias: str, payload: str) -> None:
    keep("a", payload, kwargs="{'id': 42}")
    keep("b", [[], {"id": 42}])
    assert "b" in found("kwargs.id:42")
    assert found("kwargs.id:43 args.0:42") == []
    assert set(found("-kwargs.id:43")) == {"a", "b"}
    assert alias


def test_rows_without_events_break_no_search(alias: str) -> None:
    now: datetime = timezone.now()
    Task.objects.create(id="a", state="SUCCESS", known_by="worker", time=now, updated_at=now)
    assert found("kwargs.id:*") == []
    assert found("-kwargs.id:*") == ["a"]
    assert alias
