"""What the recorder tells of a task that is published, through a broker in memory."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery, chord, group
from celery.beat import ScheduleEntry, Scheduler, Service
from celery.schedules import schedule
from celery.signals import before_task_publish
from kombu import Exchange, Queue
from kombu.exceptions import EncodeError
from kombu.utils.json import loads
from pytest_django import Settings

from django_celery_monitor import conf
from django_celery_monitor.events import PUBLISHED
from django_celery_monitor.ingest.redact import MASK
from django_celery_monitor.recorder import receivers
from tests.listening import Listener, listening

SECRET = "hunter2hunter2"


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    settings.CELERY_MONITOR = {"RECORD": True}
    app = Celery(f"recorded-{uuid4().hex}", broker="memory://", set_as_current=False)
    app.conf.task_default_queue = f"queue-{uuid4().hex}"
    app.conf.event_exchange = f"exchange-{uuid4().hex}"
    app.conf.update(result_backend="cache+memory://")
    app.task(shared=False, name="shop.login")(_login)
    app.task(shared=False, name="shop.echo")(_echo)
    yield app
    receivers.flush()
    app.close()


@pytest.fixture
def listener(app: Celery) -> Iterator[Listener]:
    with listening(app) as listener:
        yield listener


def _login(user: str, password: str = "", *more: str, **named: str) -> None: ...
def _echo(*args: Any, **kwargs: Any) -> None: ...


class Level(IntEnum):
    HIGH = 3


def tasks(app: Celery) -> Any:
    """Untyped: Celery's stubs know fewer options than it takes."""
    return app.tasks


def told(listener: Listener, count: int = 1) -> list[dict[str, Any]]:
    receivers.flush()
    return listener.events(count)


def test_it_tells_what_only_the_publisher_knows(app: Celery, listener: Listener) -> None:
    app.conf.task_queues = None
    tasks(app)["shop.echo"].apply_async(
        (1, "two"),
        {"three": 3},
        task_id="t1",
        queue="mail",
        priority=7,
        headers={"trace": "abc"},
        time_limit=30,
    )
    [event] = told(listener)
    assert event["type"] == PUBLISHED
    assert (event["uuid"], event["name"], event["queue"]) == ("t1", "shop.echo", "mail")
    assert (event["args"], event["kwargs"]) == ("(1, 'two')", "{'three': 3}")
    assert loads(event["payload"]) == [[1, "two"], {"three": 3}]
    assert event["priority"] == 7
    assert event["headers"] == {"trace": "abc"}
    assert event["timelimit"] == [30, None]
    assert event["hostname"].startswith(f"gen{os.getpid()}@")
    assert event["pid"] == os.getpid()
    assert abs(event["timestamp"] - datetime.now(UTC).timestamp()) < 60
    assert {"flaw", "group_id", "periodic_name", "origin", "eta", "chord"}.isdisjoint(event)


def test_it_goes_where_celerys_events_go_under_a_key_of_its_own(
    app: Celery, listener: Listener
) -> None:
    tasks(app)["shop.echo"].delay()
    told(listener)
    [message] = listener.messages
    assert message.delivery_info["routing_key"] == "monitor.multi"
    assert message.properties["delivery_mode"] == 1
    assert message.content_type == "application/json"
    assert message.headers["hostname"].startswith("gen")


def test_events_travel_in_lists(app: Celery, listener: Listener) -> None:
    for number in range(250):
        tasks(app)["shop.echo"].delay(number)
    events = told(listener, 250)
    assert [event["args"] for event in events] == [f"({number},)" for number in range(250)]
    assert len(listener.messages) <= 25


def test_arguments_of_other_types_keep_them(app: Celery, listener: Listener) -> None:
    given = [UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.50"), b"raw"]
    tasks(app)["shop.echo"].delay(*given)
    [event] = told(listener)
    assert loads(event["payload"]) == [given, {}]


def test_values_that_json_has_no_type_for_are_whole_where_kombu_has_one(
    app: Celery, listener: Listener
) -> None:
    """A faster encoder wrote a UUID as any text, and NaN as nothing."""
    given = [[UUID(int=7)], {"at": [float("inf")]}, OrderedDict(a=(1, [2])), Level.HIGH]
    tasks(app)["shop.echo"].delay(*given)
    [event] = told(listener)
    assert loads(event["payload"]) == [[*given[:2], {"a": [1, [2]]}, 3], {}]


def test_arguments_are_those_of_the_moment_of_publishing(app: Celery, listener: Listener) -> None:
    items = ["A"]
    tasks(app)["shop.echo"].delay(items)
    items.append("B")
    [event] = told(listener)
    assert loads(event["payload"])[0] == [["A"]]


def test_a_group_and_its_chord(app: Celery, listener: Listener) -> None:
    echo = tasks(app)["shop.echo"]
    header = group([echo.s(1), echo.s(2)], app=app)
    body = echo.s().set(task_id="body")
    chord(header, body, app=app).apply_async()
    events = told(listener, 2)
    assert {event["group_index"] for event in events} == {0, 1}
    assert len({event["group_id"] for event in events}) == 1
    assert [event["chord"] for event in events] == [{"task": "shop.echo", "id": "body"}] * 2


def test_the_queue_of_a_topic_exchange_is_named(app: Celery, listener: Listener) -> None:
    queue = Queue("orders", Exchange("shop", "topic"), routing_key="shop.orders")
    app.conf.task_queues = [queue]
    tasks(app)["shop.echo"].apply_async(queue="orders")
    [event] = told(listener)
    assert (event["queue"], event["exchange"]) == ("orders", "shop")
    assert event["routing_key"] == "shop.orders"


@pytest.mark.parametrize("serializer", ["pickle", "msgpack"])
def test_other_serializers_carry_more_than_json_can_say(
    app: Celery, listener: Listener, serializer: str
) -> None:
    tasks(app)["shop.echo"].apply_async((1,), serializer=serializer)
    app.conf.task_serializer = "json"
    [event] = told(listener)
    assert event["flaw"] == "serializer"
    assert "payload" not in event


def test_a_serializer_of_the_task_or_of_the_app_counts_too(app: Celery, listener: Listener) -> None:
    app.task(shared=False, name="shop.pickled", serializer="pickle")(_echo).delay(1)
    [event] = told(listener)
    assert event["flaw"] == "serializer"


@pytest.mark.parametrize(
    "args",
    [("x" * 2000,), tuple(range(900)), ({"a": {"b": {"c": {"d": "x" * 2000}}}},), ("é" * 300,)],
)
def test_long_arguments_are_not_recorded(
    app: Celery, listener: Listener, settings: Settings, args: tuple[Any, ...]
) -> None:
    settings.CELERY_MONITOR = {"RECORD_MAX_PAYLOAD": 1500}
    tasks(app)["shop.echo"].apply_async(args)
    tasks(app)["shop.echo"].apply_async(("short",))
    long, short = told(listener, 2)
    assert long["flaw"] == "cut"
    assert "payload" not in long
    assert "payload" in short


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("shop.login", ("bob", SECRET), {}),
        ("shop.login", ("bob",), {"password": SECRET}),
        ("shop.echo", ({"nested": [{"api_key": SECRET}]},), {}),
        ("shop.echo", (f"amqp://shop:{SECRET}@mq/",), {}),
        ("shop.echo", (f"token={SECRET}",), {}),
        ("shop.echo", (), {"TO\u212aEN": SECRET}),
        ("shop.echo", (f"iban {SECRET}",), {}),
        ("shop.echo", ({"Straße": SECRET},), {}),
    ],
)
def test_no_secret_leaves_the_process(
    app: Celery,
    listener: Listener,
    settings: Settings,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    keys = [*conf.Settings().REDACT_KEYS, *(["straße"] if "Straße" in str(args) else [])]
    patterns = [rf"iban {SECRET}"] if "iban" in str(args) else []
    settings.CELERY_MONITOR = {"REDACT_KEYS": keys, "REDACT_PATTERNS": patterns}
    tasks(app)[name].apply_async(args, kwargs)
    [event] = told(listener)
    assert SECRET not in str(event)
    assert event["flaw"] == "redacted"
    assert MASK in str(loads(event["payload"]))


def test_positional_arguments_of_a_task_that_is_not_known_here_are_left_out(
    app: Celery, listener: Listener
) -> None:
    app.send_task("elsewhere.login", ("bob", SECRET))
    app.send_task("elsewhere.pay", kwargs={"order": 7, "password": SECRET})
    app.send_task("elsewhere.ping", kwargs={"order": 7})
    login, paid, ping = told(listener, 3)
    assert SECRET not in str([login, paid])
    assert (login["args"], login["flaw"]) == ("", "redacted")
    assert loads(paid["payload"])[1] == {"order": 7, "password": MASK}
    assert loads(ping["payload"])[1] == {"order": 7}
    assert "flaw" not in ping


def test_secrets_in_headers_stamps_and_origin_are_masked(
    app: Celery, listener: Listener, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"RECORD_ORIGIN": f"{__name__}.secret_origin"}
    headers = {"authorization": SECRET, "note": f"password={SECRET}"}
    tasks(app)["shop.echo"].apply_async(headers=headers)
    [event] = told(listener)
    assert SECRET not in str(event)
    assert set(event["headers"]) == {"authorization", "note"}
    assert loads(event["payload"]) == [[], {}]
    assert "flaw" not in event


def secret_origin() -> str:
    return f"token={SECRET}"


def test_who_hides_the_texts_hides_the_values(app: Celery, listener: Listener) -> None:
    tasks(app)["shop.echo"].apply_async((SECRET,), argsrepr="(***)")
    [event] = told(listener)
    assert SECRET not in str(event)
    assert (event["args"], event["flaw"]) == ("(***)", "redacted")


def test_the_first_protocol_is_told_too(app: Celery, listener: Listener) -> None:
    app.conf.task_protocol = 1
    tasks(app)["shop.login"].apply_async(("bob", SECRET), task_id="t1", retries=2)
    [event] = told(listener)
    assert (event["uuid"], event["name"], event["retries"]) == ("t1", "shop.login", 2)
    assert event["args"] == f"('bob', {MASK})"
    assert loads(event["payload"])[0] == ["bob", MASK]


def test_the_origin_is_what_the_projects_callable_says(
    app: Celery, listener: Listener, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"RECORD_ORIGIN": f"{__name__}.origin"}
    tasks(app)["shop.echo"].delay()
    [event] = told(listener)
    assert event["origin"] == "request 4711"


def origin() -> str:
    return "request 4711"


def failing_origin() -> str:
    raise LookupError("no request")


@pytest.mark.parametrize("path", ["failing_origin", "nothing_there"])
def test_an_origin_that_fails_stops_no_task(
    app: Celery, listener: Listener, settings: Settings, path: str
) -> None:
    settings.CELERY_MONITOR = {"RECORD_ORIGIN": f"{__name__}.{path}"}
    tasks(app)["shop.echo"].apply_async(task_id="t1")
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        assert channel.queue_purge(app.conf.task_default_queue) == 1
    [event] = told(listener)
    assert "origin" not in event


def test_a_task_that_cannot_be_published_is_not_told_and_not_kept(
    app: Celery, listener: Listener
) -> None:
    for _ in range(20):
        with pytest.raises(EncodeError):
            tasks(app)["shop.echo"].delay(object())
    assert app not in receivers._outboxes
    tasks(app)["shop.echo"].delay("sent")
    events = told(listener)
    assert [event["args"] for event in events] == ["('sent',)"]


def test_a_task_published_while_another_is(app: Celery, listener: Listener) -> None:
    def audit(sender: str, **_told: Any) -> None:
        if sender == "shop.echo":
            tasks(app)["shop.login"].delay("bob")

    before_task_publish.connect(audit, weak=False, dispatch_uid="audit")
    try:
        tasks(app)["shop.echo"].delay()
    finally:
        before_task_publish.disconnect(dispatch_uid="audit")
    assert {event["name"] for event in told(listener, 2)} == {"shop.echo", "shop.login"}


def test_what_json_cannot_say_is_left_to_celery(app: Celery, listener: Listener) -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless):
        with pytest.raises(Exception, match=r"serializable|Circular|recursion"):
            tasks(app)["shop.echo"].delay(value)
    tasks(app)["shop.echo"].apply_async(headers={"odd": {1, 2}, "n": 2**70}, task_id="t1")
    [event] = told(listener)
    assert event["uuid"] == "t1"
    assert event["headers"]["odd"] == "{1, 2}"


def test_texts_that_are_no_unicode_are_told(app: Celery, listener: Listener) -> None:
    tasks(app)["shop.echo"].delay("\ud800", "\0")
    [event] = told(listener)
    assert loads(event["payload"])[0] == ["\ud800", "\0"]
    assert event["args"].startswith("('?'")


def test_eager_tasks_are_not_told(app: Celery, listener: Listener) -> None:
    app.conf.task_always_eager = True
    tasks(app)["shop.echo"].delay()
    receivers.flush()
    assert listener.quiet()
    assert app not in receivers._outboxes


def test_it_can_be_switched_off(app: Celery, listener: Listener, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"RECORD": False}
    tasks(app)["shop.echo"].delay()
    receivers.flush()
    assert listener.quiet()
    assert conf.Settings().RECORD


def test_celerys_own_sent_event_is_left_alone(app: Celery, listener: Listener) -> None:
    app.conf.task_send_sent_event = True
    tasks(app)["shop.echo"].delay()
    assert {event["type"] for event in told(listener, 2)} == {"task-sent", PUBLISHED}


def test_beat_names_its_entries(app: Celery, listener: Listener) -> None:
    shared = {"queue": "mail"}
    entries = {
        "every morning": {"task": "shop.echo", "schedule": schedule(0), "options": shared},
        "every evening": {"task": "shop.echo", "schedule": schedule(0), "options": shared},
    }
    app.conf.beat_schedule = entries
    service = Service(app, scheduler_cls=Scheduler)
    receivers.name_entries(sender=service)
    for entry in service.scheduler.schedule.values():
        service.scheduler.apply_async(entry)
    told_by = {event.get("periodic_name") for event in told(listener, 2)}
    assert told_by == {"every morning", "every evening"}
    assert shared == {"queue": "mail"}


def test_an_entry_whose_project_names_it_keeps_that(app: Celery) -> None:
    options = {"headers": {"periodic_task_name": "mine", "x": 1}}
    entry = ScheduleEntry("theirs", "shop.echo", schedule=schedule(1), options=options, app=app)
    service = Service(app, scheduler_cls=Scheduler)
    service.scheduler.schedule["theirs"] = entry
    receivers.name_entries(sender=service)
    assert entry.options is not None
    assert entry.options["headers"] == {"periodic_task_name": "mine", "x": 1}


def test_a_name_given_as_a_property_counts(app: Celery, listener: Listener) -> None:
    """As django-celery-beat gives it."""
    tasks(app)["shop.echo"].apply_async(periodic_task_name="nightly")
    [event] = told(listener)
    assert event["periodic_name"] == "nightly"
