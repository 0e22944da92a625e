"""What is kept of workers' replies: nothing secret, nothing without end, always of one shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.conf import Settings
from django_celery_monitor.control.inspecting import Part
from django_celery_monitor.control.told import LARGEST, MOST, Reader, Told
from django_celery_monitor.ingest.redact import MASK, Redactor

KEYS = Settings().REDACT_KEYS
SECRET = "hunter2"
READER = Reader(
    Redactor(KEYS, positions=lambda name: frozenset({1} if name == "shop.login" else ())),
    KEYS,
    (),
    max_text=200,
)
TASK = {
    "id": "a-1",
    "name": "shop.login",
    "args": ["ana", SECRET],
    "kwargs": {"password": SECRET, "deep": {"token": SECRET}, "n": 1},
    "type": "shop.login",
    "hostname": "w@h",
    "time_start": 1.5e9,
    "acknowledged": True,
    "delivery_info": {"exchange": "", "routing_key": "mail", "priority": 3, "redelivered": False},
    "worker_pid": 42,
}
LISTS = (Part.QUEUES, Part.ACTIVE, Part.RESERVED, Part.SCHEDULED, Part.REVOKED, Part.REGISTERED)
DICTS = (Part.STATS, Part.CONF, Part.REPORT)


def read(part: str, reply: Any) -> Told:
    told = READER.read(part, reply)
    assert told is not None
    assert SECRET not in json.dumps(told.content)
    return told


def test_a_running_task_has_its_arguments_as_events_have_them() -> None:
    [found] = read(Part.ACTIVE, [TASK]).content
    assert found == {
        "id": "a-1",
        "name": "shop.login",
        "args": f'["ana","{MASK}"]',
        "kwargs": f'{{"password":"{MASK}","deep":{{"token":"{MASK}"}},"n":1}}',
        "started": 1.5e9,
        "acknowledged": True,
        "pid": 42,
        "routing_key": "mail",
        "exchange": "",
        "priority": 3,
        "redelivered": False,
    }


def test_arguments_that_come_as_texts_are_masked_too() -> None:
    texts = {"args": f"('ana', '{SECRET}')", "kwargs": f"{{'password': '{SECRET}'}}"}
    [found] = read(Part.ACTIVE, [TASK | texts]).content
    assert found["args"] == f"('ana', {MASK})"


def test_a_task_that_waits_for_its_time_says_when_that_is() -> None:
    entry = {"eta": "2026-01-02T03:04:05+00:00", "priority": 6, "request": TASK}
    [found] = read(Part.SCHEDULED, [entry]).content
    assert found["eta"] == 1767323045.0
    assert found["id"] == "a-1"


def test_registered_tasks_are_taken_apart_again() -> None:
    lines = [
        "shop.ship [rate_limit=10/m max_retries=3 serializer=json]",
        "shop.bare",
        "shop.odd [expires=in 3 days soft_time_limit=30]",
    ]
    assert read(Part.REGISTERED, lines) == Told(
        [
            {
                "name": "shop.ship",
                "attributes": {"rate_limit": "10/m", "max_retries": "3", "serializer": "json"},
            },
            {"name": "shop.bare", "attributes": {}},
            {
                "name": "shop.odd",
                "attributes": {"expires": "in 3 days", "soft_time_limit": "30"},
            },
        ],
        3,
    )


def test_the_configuration_has_no_secrets_and_no_arguments() -> None:
    schedule = {"task": "shop.login", "schedule": "60.0", "args": [SECRET], "kwargs": {"x": SECRET}}
    told = read(
        Part.CONF,
        {
            "broker_url": f"amqp://user:{SECRET}@host//",
            "result_backend": f"redis://:{SECRET}@host/0",
            "redis_password": SECRET,
            "security_key": SECRET,
            "broker_transport_options": {"sentinel_kwargs": {"password": SECRET}, "retry": 3},
            "beat_schedule": {"nightly": schedule},
            "task_default_queue": "mail",
            "task_acks_late": False,
        },
    )
    assert told.total == 8
    assert told.content["default"] == {"task_acks_late": False}
    assert told.content["hidden"] == ["redis_password", "security_key"]
    changed = told.content["changed"]
    assert changed["task_default_queue"] == "mail"
    options = {"sentinel_kwargs": {"password": MASK}, "retry": 3}
    assert changed["broker_transport_options"] == options
    assert changed["beat_schedule"]["nightly"]["task"] == "shop.login"
    assert changed["broker_url"] == f"amqp://user:{MASK}@host//"


def test_what_celery_makes_of_nothing_is_no_change() -> None:
    unset = {
        "broker_read_url": "amqp://guest:********@localhost:5672//",
        "result_expires": "1 day, 0:00:00",
    }
    reply = unset | {"result_backend_max_retries": float("inf"), "accept_content": ["json"]}
    told = read(Part.CONF, reply)
    assert set(unset) <= set(told.content["default"])
    assert "result_backend_max_retries" in told.content["default"]
    assert "accept_content" in told.content["default"]


def test_settings_of_the_project_are_not_configuration_of_the_worker() -> None:
    told = read(Part.CONF, {"SENTRY_DSN": f"https://{SECRET}@host/1", "CELERY_BROKER_URL": SECRET})
    assert told == Told({"changed": {}, "default": {}, "hidden": []}, 0)


def test_the_report_has_no_settings() -> None:
    text = f"\nsoftware -> celery:5.7\nresults:redis://:{SECRET}@h/0\n\nFOO: '{SECRET}'\n"
    assert read(Part.REPORT, {"ok": text}).content.startswith("software -> celery:5.7\nresults:")


def test_statistics_name_the_tasks_that_ran_most_first() -> None:
    told = read(Part.STATS, {"total": {"a": 1, "b": 7}, "pid": 3, "pool": {"max-concurrency": 2}})
    assert list(told.content["total"].items()) == [("b", 7), ("a", 1)]
    assert told.content["pool"] == {"max-concurrency": 2}


def test_a_queue_has_its_exchange_in_place() -> None:
    queue = {"name": "mail", "exchange": {"name": "x", "type": "direct"}, "durable": True}
    [found] = read(Part.QUEUES, [queue]).content
    assert (found["name"], found["exchange"], found["exchange_type"]) == ("mail", "x", "direct")


@pytest.mark.parametrize(
    ("part", "reply"),
    [
        (Part.REVOKED, [f"id-{n}" for n in range(50_000)]),
        (Part.ACTIVE, [TASK | {"args": "x" * 10_000}] * 5000),
        (Part.REGISTERED, ["t" * 5000] * 5000),
        (Part.CONF, {"imports": ["x" * 100] * 100_000}),
        (Part.QUEUES, [{"name": "q" * 5000, "queue_arguments": {"x": "y" * 9999}}] * 5000),
        (Part.STATS, {f"name{n}": "v" * 5000 for n in range(5000)}),
        (Part.STATS, {"total": {f"t{n}": n for n in range(100_000)}}),
    ],
)
def test_no_reply_is_kept_past_its_limits(part: str, reply: Any) -> None:
    told = read(part, reply)
    assert len(json.dumps(told.content, ensure_ascii=False)) <= 2 * LARGEST
    if isinstance(told.content, list):
        assert told.total == len(reply)
        assert len(told.content) <= MOST


def test_what_a_database_refuses_is_not_kept() -> None:
    odd = [{**TASK, "name": "a\0b\ud800", "args": [], "kwargs": {"n": float("nan"), "big": 2**80}}]
    [found] = read(Part.ACTIVE, odd).content
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    assert "\0" not in text
    text.encode()


def test_a_reply_without_bottom_is_no_reply() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert READER.read(Part.CONF, {"deep": deep}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
odd_tasks = st.fixed_dictionaries({}, optional=dict.fromkeys(TASK, json_values))
odd_entries = (
    json_values | odd_tasks | st.fixed_dictionaries({"request": odd_tasks, "eta": json_values})
)


@given(st.sampled_from(LISTS), st.lists(odd_entries, max_size=3))
def test_any_list_can_be_read(part: str, reply: list[Any]) -> None:
    told = READER.read(part, reply)
    assert told is not None
    json.dumps(told.content, allow_nan=False, ensure_ascii=False).encode()


@given(st.sampled_from(DICTS), st.dictionaries(st.text(max_size=8), json_values, max_size=3))
def test_any_dict_can_be_read(part: str, reply: dict[str, Any]) -> None:
    told = READER.read(part, reply)
    assert told is not None
    json.dumps(told.content, allow_nan=False, ensure_ascii=False).encode()
