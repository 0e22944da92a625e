"""What the benchmarks feed to monitors, and how they sum up what those did."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from benchmarks.drain import rounds
from benchmarks.report import Figures, table
from benchmarks.stream import Message, Stream
from django_celery_monitor.ingest.decode import Decoder
from django_celery_monitor.ingest.redact import MASK, Redactor

BEGIN = 1_790_000_000.0


def stream(events: int = 400, **options: Any) -> list[Message]:
    return list(Stream(events=events, **options).messages(BEGIN))


def events_of(messages: list[Message]) -> list[dict[str, Any]]:
    found = []
    for message in messages:
        content = json.loads(message.body)
        found += content if isinstance(content, list) else [content]
    return found


def types_by_task(messages: list[Message]) -> dict[str, list[str]]:
    tasks = defaultdict(list)
    for event in sorted(events_of(messages), key=lambda event: event["clock"]):
        if "uuid" in event:
            tasks[event["uuid"]].append(event["type"].removeprefix("task-"))
    return tasks


def test_a_stream_has_as_many_events_as_asked_and_whole_tasks() -> None:
    messages = stream(400)
    assert sum(message.events for message in messages) == 400
    plain = ["sent", "received", "started", "succeeded"]
    assert list(types_by_task(messages).values()) == [plain] * 100


def test_events_of_one_sender_travel_in_lists_of_ten() -> None:
    lists = [message for message in stream(4000) if message.routing_key == "task.multi"]
    assert sorted({message.events for message in lists})[-1] == 10
    assert sum(message.events == 10 for message in lists) >= 390
    for message in lists:
        assert {event["hostname"] for event in json.loads(message.body)} == {message.hostname}


def test_the_same_seed_gives_the_same_stream() -> None:
    assert stream(seed=7) == stream(seed=7)
    assert stream(seed=7) != stream(seed=8)


@pytest.mark.parametrize("interleave", [0, 1, 25])
def test_so_many_other_tasks_begin_between_two_events_of_a_task(interleave: int) -> None:
    events = events_of(stream(800, interleave=interleave))
    task_events = [event for event in events if "uuid" in event]
    task_events.sort(key=lambda event: event["clock"])
    begun_before: list[int] = []
    places = defaultdict(list)
    begun = 0
    for event in task_events:
        begun_before.append(begun)
        begun += event["type"] == "task-sent"
        places[event["uuid"]].append(len(begun_before) - 1)
    # Not the first tasks nor the last: there, nothing is running yet, or nothing begins any more.
    middle = list(places.values())[60:100]
    gaps = [
        begun_before[after] - begun_before[before] - (step == 0)
        for indexes in middle
        for step, (before, after) in enumerate(pairwise(indexes))
    ]
    assert set(gaps) <= {interleave, interleave + 1}


def test_failures_and_retries_have_their_share() -> None:
    lives = list(types_by_task(stream(4000, failures=0.2, retries=0.1)).values())
    failed = sum("failed" in life for life in lives) / len(lives)
    retried = sum("retried" in life for life in lives) / len(lives)
    assert 0.15 < failed < 0.25
    assert 0.06 < retried < 0.14
    again = ["sent", "received", "started", "retried", "sent", "received", "started", "succeeded"]
    assert again in lives


def test_clients_that_send_alone_publish_each_sent_event_by_itself() -> None:
    keys: dict[str, int] = defaultdict(int)
    for message in stream(400, sent_alone=True):
        keys[message.routing_key] += message.events
    assert keys == {"task.sent": 100, "task.multi": 300, "worker.heartbeat": 0}


def test_the_collector_takes_every_event_and_masks_the_secrets() -> None:
    messages = stream(4000, failures=0.1, retries=0.1)
    decoder = Decoder(Redactor(("token",)), max_text=4096, max_traceback=32768)
    decoded = decoder.decode([message.body for message in messages], BEGIN + 60)
    assert decoded.bad == []
    assert decoded.ignored == 0
    assert sum(map(len, decoded.tasks.values())) == sum(message.events for message in messages)
    assert any(MASK in event.data.get("kwargs", "") for [event, *_] in decoded.tasks.values())


def test_rounds_hold_what_was_asked_and_lose_nothing() -> None:
    messages = stream(1000)
    batches = list(rounds(messages, 300))
    assert [message for batch in batches for message in batch] == messages
    assert all(sum(message.events for message in batch) >= 300 for batch in batches[:-1])


def figures(subject: str, cpu_seconds: float, known: int = 1000) -> Figures:
    return Figures(
        broker="redis",
        subject=subject,
        sent=1000,
        known=known,
        cpu_seconds=cpu_seconds,
        wall_seconds=2.0,
        peak_memory=50_000_000,
        load=0.5,
        task_bytes=1000.4,
    )


def test_the_table_shows_medians_beside_flower_and_the_worst_loss() -> None:
    runs = [figures("ours", 0.1), figures("ours", 0.2), figures("ours", 0.4)]
    text = table([*runs, figures("Flower", 1.0), figures("Flower", 1.0, known=400)])
    _headings, ours, flower = text.splitlines()
    assert ours.split() == ["redis", "ours", "5,000", "7.14", "500", "50", "1,000", "0"]
    assert flower.split() == [
        "redis",
        "Flower",
        "700",
        "1.00",
        "350",
        "50",
        "1,000",
        "600",
        "(60%)",
    ]
