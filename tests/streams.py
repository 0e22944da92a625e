"""Events of tasks: builders for single ones, and strategies for whole lives and for nonsense."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.state.event_set import union

# A minute begins here, so that seconds after it are easy to read.
START = 1_750_000_020.0
WORKER = "w1@shop"
OTHER = "w2@shop"
CLIENT = "gen7@shop"
NAME = "shop.pay"
TYPES = (
    *("sent", "received", "started", "succeeded", "failed", "retried", "rejected", "revoked"),
    *("cancelled", "progress", "S", "-odd"),
)


def examples(count: int) -> settings:
    """So many, each as slow as the machine makes it."""
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def event(kind: str, at: float = 0.0, host: str = WORKER, clock: int = 0, **data: Any) -> TaskEvent:
    """``at``: seconds after START. What announces a task names it."""
    if kind in ("sent", "received"):
        data = {"name": NAME, "args": "(1,)", "kwargs": "{}"} | data
    if kind == "sent":
        host = CLIENT if host == WORKER else host
        data = {"queue": "celery"} | data
    return TaskEvent(START + at, clock or round(at * 100), kind, host, 100, data)


def facts(*events: TaskEvent) -> Facts:
    return derive(union([], list(events)))


def wire(task_id: str, each: TaskEvent) -> dict[str, Any]:
    """The event as Celery sends it."""
    data = dict(each.data)
    custom = data.pop("custom", {})
    return {
        "type": f"task-{each.type}",
        "uuid": task_id,
        "hostname": each.hostname,
        "timestamp": each.timestamp,
        "utcoffset": 7,
        "pid": each.pid,
        "clock": each.clock,
        **data,
        **custom,
    }


def body(*events: Any) -> bytes:
    """A message: one event alone, more as a list."""
    return json.dumps(events[0] if len(events) == 1 else events).encode()


def split(draw: st.DrawFn, items: list[Any]) -> list[list[Any]]:
    """The items in consecutive groups of any sizes."""
    cuts = sorted(draw(st.sets(st.integers(1, max(len(items) - 1, 1)))))
    return [items[a:b] for a, b in itertools.pairwise([0, *cuts, len(items)]) if a < b]


@st.composite
def arrivals(draw: st.DrawFn, events: list[Any]) -> list[list[Any]]:
    """The events in any order, some of them twice, in batches."""
    again = draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    return split(draw, draw(st.permutations([*events, *again])))


@st.composite
def lives(draw: st.DrawFn) -> list[TaskEvent]:
    """What a real task goes through: attempts, deliveries to workers, ends; some events lost."""
    steps: list[tuple[str, str, dict[str, Any]]] = []
    for retries in range(draw(st.integers(1, 3))):
        again = {"retries": retries} if retries else {}
        steps.append(("sent", CLIENT, again))
        for host in draw(st.lists(st.sampled_from((WORKER, OTHER)), max_size=3)):
            steps += [("received", host, again), ("started", host, {})]
            steps += [(end, host, data) for end, data in draw(_ENDS)]
    times = _times(draw, len(steps))
    lost = draw(st.sets(st.integers(0, len(steps) - 1), max_size=2))
    return [
        event(kind, time, host, index + 1, **data)
        for index, ((kind, host, data), time) in enumerate(zip(steps, times, strict=True))
        if index not in lost
    ] or [event("sent")]


def _times(draw: st.DrawFn, count: int) -> Iterable[float]:
    gaps = st.sampled_from((0.0, 0.0, 0.001, 0.3, 61.0))
    return itertools.accumulate(draw(st.lists(gaps, min_size=count, max_size=count)))


_Ends = tuple[tuple[str, dict[str, Any]], ...]
_ENDS: st.SearchStrategy[_Ends] = st.sampled_from(
    (
        (),
        (("succeeded", {"result": "1", "runtime": 0.3}),),
        (("failed", {"exception": "KeyError('x')", "traceback": "KeyError: 'x'"}),),
        (("failed", {"exception": "A()"}), ("failed", {"exception": "B()"})),
        (("retried", {"exception": "OSError()"}),),
        (("rejected", {"requeue": True}),),
        (("failed", {"exception": "reject requeue=False: no"}), ("rejected", {})),
        (("revoked", {"terminated": True, "signum": "15"}),),
        (("progress", {"custom": {"pct": 10}}), ("cancelled", {})),
    )
)
_TEXT = st.text(max_size=3)
_NUMBER = st.floats(0, 1e11) | st.integers(0, 2**53).map(float)
_DATA = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(("a", "b")),
        "args": _TEXT.filter(bool),
        "kwargs": _TEXT.filter(bool),
        "result": _TEXT.filter(bool),
        "exception": st.sampled_from(("KeyError('x')", "reject requeue=True: y", "é\U0001f600")),
        "root_id": st.sampled_from(("r", "p")),
        "parent_id": st.sampled_from(("r", "p")),
        "queue": st.sampled_from(("q", "celery")),
        "exchange": st.just("x"),
        "retries": st.integers(1, 3) | st.just(2**62),
        "runtime": _NUMBER,
        "eta": _NUMBER,
        "expires": _NUMBER,
        "requeue": st.just(True),
        "signum": st.just("9"),
        "custom": st.dictionaries(_TEXT, st.none() | st.booleans() | st.integers(0, 9) | _TEXT),
    },
    # The rows keep no tracebacks of events, so what else is equal must have an equal one.
).map(lambda data: data | {"traceback": "T"} if "exception" in data else data)
nonsense = st.lists(
    st.builds(
        TaskEvent,
        st.sampled_from((START, START + 0.25, START + 1e-6, START - 3600.0, START + 86_400.0)),
        st.integers(0, 2) | st.just(2**63 - 1),
        st.sampled_from(TYPES),
        st.sampled_from((WORKER, OTHER, CLIENT, "ü@ü")),
        st.integers(0, 1),
        _DATA,
    ),
    min_size=1,
    max_size=24,
)
histories = lives() | nonsense | st.tuples(lives(), nonsense).map(lambda two: [*two[0], *two[1]])
