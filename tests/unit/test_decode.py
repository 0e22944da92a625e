from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from celery.utils.saferepr import saferepr
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.conf import Settings
from django_celery_monitor.events import Decoded, TaskEvent, WorkerEvent
from django_celery_monitor.ingest.decode import Decoder
from django_celery_monitor.ingest.redact import MASK, Redactor
from tests.streams import body, examples

NOW = 1_750_000_000.0
BASE = {"uuid": "t1", "hostname": "w1@x", "timestamp": NOW, "utcoffset": 7, "pid": 9, "clock": 3}
LOAD = {"freq": 2.0, "active": 1, "processed": 7, "loadavg": [0.1, 0.2, 0.3]}
SOFTWARE = {"sw_ident": "py-celery", "sw_ver": "5.7.0", "sw_sys": "Linux"}
LOST = """Traceback (most recent call last):
  File "/venv/billiard/pool.py", line 1264, in mark_as_worker_lost
    raise WorkerLostError(
billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 1.
"""
TIMEOUT = """Traceback (most recent call last):
  File "/venv/celery/worker/request.py", line 563, in on_timeout
    raise exc
billiard.exceptions.TimeLimitExceeded: TimeLimitExceeded(1,)
"""


def decoder(**limits: int) -> Decoder:
    redactor = Redactor(
        Settings().REDACT_KEYS, (), lambda name: frozenset({1} if name == "login" else ())
    )
    return Decoder(redactor, **({"max_text": 100, "max_traceback": 1000} | limits))


def decode(*bodies: bytes) -> Decoded:
    return decoder().decode(bodies, NOW)


def data(kind: str, **fields: Any) -> dict[str, Any]:
    """What is kept of a task event's own fields."""
    [[found]] = decode(body(BASE | {"type": f"task-{kind}"} | fields)).tasks.values()
    return found.data


# Celery 5.7, as it was on the wire.
FAMILY = {"root_id": "t1", "parent_id": None}
CALL = {"name": "shop.pay", "args": "(1,)", "kwargs": "{}", "eta": None, "expires": None}
KEPT = {"name": "shop.pay", "args": "(1,)", "kwargs": "{}", "root_id": "t1"}


@pytest.mark.parametrize(
    ("kind", "fields", "kept"),
    [
        (
            "sent",
            CALL | FAMILY | {"retries": 0, "queue": "q", "exchange": "", "routing_key": "q"},
            KEPT | {"queue": "q"},
        ),
        (
            "sent",
            CALL | FAMILY | {"retries": 1, "queue": "", "exchange": "x", "routing_key": "r"},
            KEPT | {"retries": 1, "exchange": "x", "routing_key": "r"},
        ),
        (
            "received",
            CALL | FAMILY | {"eta": "2026-11-22T14:34:17+00:00", "retries": 0},
            KEPT | {"eta": 1795358057.0},
        ),
        ("started", {}, {}),
        ("succeeded", {"result": "42", "runtime": 0.5}, {"result": "42", "runtime": 0.5}),
        ("succeeded", {"result": "42", "runtime": None}, {"result": "42"}),
        (
            "failed",
            {"exception": "KeyError('x')", "traceback": "T"},
            {"exception": "KeyError('x')", "traceback": "T"},
        ),
        ("failed", {"exception": "E()", "traceback": None}, {"exception": "E()"}),
        ("retried", {"exception": "E()", "traceback": "T"}, {"exception": "E()", "traceback": "T"}),
        ("rejected", {"requeue": True}, {"requeue": True}),
        ("rejected", {"requeue": False}, {}),
        (
            "revoked",
            {"terminated": True, "signum": 15, "expired": False},
            {"terminated": True, "signum": "15"},
        ),
        ("revoked", {"terminated": False, "signum": None, "expired": True}, {"expired": True}),
        ("cancelled", {}, {}),
        ("progress", {"pct": 10, "of": None}, {"custom": {"pct": 10}}),
    ],
)
def test_every_type_of_task_event(kind: str, fields: dict[str, Any], kept: dict[str, Any]) -> None:
    found = decode(body(BASE | {"type": f"task-{kind}"} | fields))
    assert found == Decoded({"t1": [TaskEvent(NOW, 3, kind, "w1@x", 9, kept)]}, [], [], 0)


@pytest.mark.parametrize("kind", ["online", "heartbeat", "offline"])
def test_every_type_of_worker_event(kind: str) -> None:
    found = decode(body(BASE | {"type": f"worker-{kind}"} | LOAD | SOFTWARE))
    assert found.workers == [WorkerEvent(NOW, 3, kind, "w1@x", 9, LOAD | SOFTWARE)]
    assert (found.tasks, found.bad, found.ignored) == ({}, [], 0)


def test_gossip_and_events_of_other_groups_are_ignored() -> None:
    kinds = ("worker-elect", "worker-elect-ack", "custom-thing", "monitor-anything", "")
    found = decode(*[body(BASE | {"type": kind}) for kind in kinds])
    assert found == Decoded({}, [], [], len(kinds))


def test_lists_and_single_events() -> None:
    started, succeeded = BASE | {"type": "task-started"}, BASE | {"type": "task-succeeded"}
    other = BASE | {"type": "task-started", "uuid": "t2"}
    found = decode(body(started, other), body(succeeded))
    assert {key: [e.type for e in events] for key, events in found.tasks.items()} == {
        "t1": ["started", "succeeded"],
        "t2": ["started"],
    }


def test_no_zone_shifts_a_time() -> None:
    """`EventReceiver` moves it by whole hours, though it was the epoch's."""
    assert decode(body(BASE | {"type": "task-started"})).tasks["t1"][0].timestamp == NOW


@pytest.mark.parametrize(
    ("traceback", "expected"),
    [
        (LOST, "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 1.')"),
        (TIMEOUT, "TimeLimitExceeded('TimeLimitExceeded(1,)')"),
        ("KeyError\n", "KeyError('')"),
        ("", "ExceptionWithTraceback()"),
        (None, "ExceptionWithTraceback()"),
        ("  all\n  indented", "ExceptionWithTraceback()"),
        ("no class here at all", "ExceptionWithTraceback()"),
    ],
)
def test_a_wrapped_exception_is_read_from_its_traceback(
    traceback: str | None, expected: str
) -> None:
    found = data("failed", exception="ExceptionWithTraceback()", traceback=traceback)
    assert found["exception"] == expected


def test_a_wrapped_exception_is_read_though_its_traceback_is_cut() -> None:
    long = LOST.replace("mark", "x" * 2000)
    found = data("failed", exception="ExceptionWithTraceback()", traceback=long)
    assert found["exception"].startswith("WorkerLostError(")
    assert found["traceback"].endswith(" characters)")


BAD: list[tuple[Any, str]] = [
    (7, "no type"),
    ("x", "no type"),
    (None, "no type"),
    ([BASE], "no type"),
    ({}, "no type"),
    ({"type": 7}, "no type"),
    ({"type": ["task-sent"]}, "no type"),
    (BASE | {"type": "task-"}, "no type"),
    ({"type": "task-started", "hostname": "w", "timestamp": NOW}, "no uuid"),
    (BASE | {"type": "task-started", "uuid": None}, "no uuid"),
    (BASE | {"type": "task-started", "uuid": ""}, "no uuid"),
    (BASE | {"type": "task-started", "uuid": 7}, "no uuid"),
    (BASE | {"type": "task-started", "uuid": "x" * 256}, "uuid longer"),
    (BASE | {"type": "task-" + "x" * 256}, "type longer"),
    (BASE | {"type": "task-started", "hostname": None}, "no hostname"),
    (BASE | {"type": "task-started", "hostname": "x" * 256}, "hostname longer"),
    (BASE | {"type": "task-started", "timestamp": None}, "no timestamp"),
    (BASE | {"type": "task-started", "timestamp": "now"}, "no timestamp"),
    (BASE | {"type": "task-started", "timestamp": True}, "no timestamp"),
    (BASE | {"type": "task-started", "timestamp": float("nan")}, "no timestamp"),
    (BASE | {"type": "task-started", "timestamp": 10**30}, "timestamp"),
    (BASE | {"type": "task-started", "timestamp": NOW + 86_500}, "a day ahead"),
    (BASE | {"type": "task-started", "timestamp": 1_200_000_000}, "before 2009"),
    (BASE | {"type": "worker-heartbeat", "hostname": ""}, "no hostname"),
    (BASE | {"type": "worker-online", "timestamp": 0}, "before 2009"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_one_bad_event_costs_none_of_the_others_in_its_list(bad: Any, reason: str) -> None:
    good = [BASE | {"type": "task-started", "uuid": f"t{n}"} for n in range(23)]
    found = decode(body(*good[:11], bad, *good[11:]))
    assert list(found.tasks) == [f"t{n}" for n in range(23)]
    assert all(found.tasks.values())
    [(why, text)] = found.bad
    assert reason in why
    assert json.loads(text) is not None or bad is None


@pytest.mark.parametrize("text", [b"", b"{", b"\x80\x02}", b"[" * 100_000, b'{"a": "\x00"}'])
def test_what_is_no_json_is_one_bad_message(text: bytes) -> None:
    found = decode(text, body(BASE | {"type": "task-started"}))
    assert len(found.bad) == 1
    assert list(found.tasks) == ["t1"]
    assert "\0" not in found.bad[0][1]


def test_a_bad_event_leaves_no_empty_task_behind() -> None:
    """`derive` of nothing stopped the whole batch."""
    assert decode(body(BASE | {"type": "task-started", "timestamp": 0})).tasks == {}


def nested(depth: int, value: Any = 1) -> Any:
    for _level in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [200, 400, 900, 5000])
@pytest.mark.parametrize("field", ["pct", "args", "result", "name", "uuid", "timestamp"])
def test_deep_nesting_never_raises(field: str, depth: int) -> None:
    event = {**BASE, "type": "task-progress", field: 0}
    deep = body(event).replace(
        f'"{field}": 0'.encode(), b'"%s": %s' % (field.encode(), b"[" * depth + b"]" * depth)
    )
    found = decode(deep, deep.replace(b"w1@x", b"\\u0000"), body(BASE | {"type": "task-started"}))
    assert len(found.tasks["t1"]) + len(found.bad) == 3


def test_long_texts_are_cut_and_say_so() -> None:
    found = data("succeeded", result="x" * 3_000_000)
    assert found["result"] == "x" * 100 + "… (3,000,000 characters)"
    custom = data("progress", log="y" * 3_000_000)["custom"]
    assert len(custom) < 2100
    assert custom.endswith("characters)")
    assert len(data("received", name="n" * 300, queue="q" * 300)["name"]) == 255


def test_arguments_that_are_no_text_are_written_as_json() -> None:
    found = data("received", name="x", args=[1, "é"], kwargs={"a": None, "token": "x"})
    assert found["args"] == '[1,"é"]'
    assert found["kwargs"] == f'{{"a":null,"token":"{MASK}"}}'


@pytest.mark.parametrize("value", [7, 1.5, True, "x", ["x"], {"x": 1}, "", "x" * 5000, 2**70])
def test_wrong_types_everywhere(value: Any) -> None:
    fields = (
        "name",
        "args",
        "kwargs",
        "result",
        "exception",
        "traceback",
        "eta",
        "expires",
        "retries",
        "runtime",
        "queue",
        "exchange",
        "routing_key",
        "root_id",
        "parent_id",
        "requeue",
        "terminated",
        "signum",
        "expired",
        "clock",
        "pid",
        "utcoffset",
        "more",
        "local_received",
        "freq",
        "active",
    )
    found = decode(body(BASE | {"type": "task-received"} | dict.fromkeys(fields, value)))
    [event] = found.tasks["t1"]
    assert type(event.clock) is int
    kept = event.data
    for field in ("name", "root_id", "parent_id", "queue", "exchange", "routing_key", "signum"):
        assert isinstance(kept.get(field, ""), str)
        assert len(kept.get(field, "")) <= 255
    for field in ("args", "kwargs", "result", "exception", "traceback"):
        assert isinstance(kept.get(field, ""), str)
    for field in ("eta", "expires", "runtime"):
        assert isinstance(kept.get(field, 0.0), float)
    assert type(kept.get("retries", 0)) is int
    assert orjson.dumps(kept)


anything: st.SearchStrategy[Any] = st.sampled_from(
    (None, True, 0, -7, 2**70, 1.5, float("nan"), 1e300, "", "x", "\0", "é\ud800", [], {}, [["x"]])
) | st.dictionaries(
    st.sampled_from(("type", "uuid", "", "\0")), st.integers() | st.text(max_size=3)
)
near_events = st.fixed_dictionaries(
    {"type": st.sampled_from(("task-sent", "task-x", "worker-online", "worker-x")) | anything},
    optional={
        "uuid": st.sampled_from(("t1", "t2")) | anything,
        "hostname": st.just("w1@x") | anything,
        "timestamp": st.floats(NOW - 10, NOW) | anything,
        **dict.fromkeys(("args", "traceback", "retries", "runtime", "eta", "pct"), anything),
    },
)
messages = st.lists(st.lists(near_events | anything, max_size=3) | near_events, max_size=4)


def in_one_piece(found: Decoded) -> bytes:
    """As bytes, which neither NaN nor half a character survives."""
    return json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@examples(60)
@given(sent=messages)
def test_arbitrary_json_never_raises_and_nothing_is_uncounted(sent: list[Any]) -> None:
    found = decode(*[json.dumps(message).encode() for message in sent])
    stored = sum(len(events) for events in found.tasks.values()) + len(found.workers)
    count = sum(len(message) if isinstance(message, list) else 1 for message in sent)
    assert stored + len(found.bad) + found.ignored == count
    assert all(found.tasks.values())
    assert b"\\u0000" not in in_one_piece(found)


@examples(50)
@given(message=st.binary(max_size=60))
def test_arbitrary_bytes_never_raise(message: bytes) -> None:
    assert in_one_piece(decode(message))


SECRET = "hunter2hunter2"
PLANTED: tuple[Callable[[], dict[str, Any]], ...] = (
    lambda: {"name": "login", "args": f"('bob', '{SECRET}')"},
    lambda: {"name": "login", "args": ["bob", SECRET]},
    lambda: {"name": "login", "args": {"0": SECRET}},
    lambda: {"args": saferepr([{"password": SECRET}])},
    lambda: {"kwargs": saferepr({"a": {"token": SECRET}})},
    lambda: {"kwargs": {"a": {"token": SECRET}}},
    lambda: {"kwargs": "{'x': '" + "y" * 80 + f"', 'token': '{SECRET}'}}"},
    lambda: {"kwargs": "{'x': '" + "y" * 60 + f"', 'u': 'amqp://u:{SECRET}@h'}}"},
    lambda: {"result": f"{{'api_key': '{SECRET}'}}"},
    lambda: {"result": [{"api_key": SECRET}]},
    lambda: {"exception": f"LoginError('password={SECRET}')"},
    lambda: {"traceback": f"Traceback:\nLoginError: password={SECRET}\n{SECRET}"},
    lambda: {"traceback": {"password": SECRET}},
    lambda: {"exception": "ExceptionWithTraceback()", "traceback": f"x.E: password={SECRET}"},
    lambda: {"step": {"cookie": SECRET}, "cookie": SECRET},
    lambda: {"step": f"https://u:{SECRET}@h/", "log": ["x" * 3000, {"cvv": SECRET}]},
    lambda: {"signum": {"password": SECRET}, "queue": {"password": SECRET}},
    lambda: {"name": {"password": SECRET}, "eta": {"password": SECRET}},
)


@pytest.mark.parametrize("spoil", [{}, {"timestamp": 0}, {"uuid": ""}, {"hostname": None}])
@pytest.mark.parametrize("planted", PLANTED)
def test_no_planted_secret_is_kept_nor_quarantined(
    planted: Callable[[], dict[str, Any]], spoil: dict[str, Any]
) -> None:
    message = body(BASE | {"type": "task-received"} | planted() | spoil)
    for text in (message, message[:-5], message[: message.find(SECRET.encode()) + 10]):
        assert SECRET[:7] not in str(decode(text))
        assert SECRET[:7] not in decoder().quarantined(text)


def test_what_workers_say_of_themselves_holds_no_secret() -> None:
    fields = {field: {"password": SECRET} for field in (*SOFTWARE, *LOAD)}
    assert SECRET not in str(decode(body(BASE | {"type": "worker-online"} | fields)))
