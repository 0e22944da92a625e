"""The page of one task."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from django_celery_monitor.models import Task
from tests.integration.made import (
    a_task,
    client_of,
    event,
    failed,
    now,
    received,
    root_client,
    sent,
    store,
)

pytestmark = pytest.mark.django_db


def page_of(task_id: str) -> Any:
    response = root_client().get(reverse("celery_monitor:task", args=[task_id]))
    assert response.status_code == 200
    return response


def steps(response: Any, lane: int = 0) -> list[tuple[str, str, str]]:
    return [
        (step.kind, step.label, "" if step.seconds is None else f"{step.seconds:.1f}")
        for step in response.context["life"].lanes[lane].steps
    ]


def a_retried_task() -> str:
    uuid, at = str(uuid4()), now() - 60
    store(
        sent(uuid, at),
        received(uuid, at + 1),
        event("started", uuid, at + 3),
        failed(uuid, at + 7, "retried"),
        sent(uuid, at + 7, retries=1),
        received(uuid, at + 8, retries=1),
        event("started", uuid, at + 15),
        failed(uuid, at + 31, exception="TimeoutError('too slow')"),
    )
    return uuid


def test_a_task_that_went_well_shows_its_life_arguments_and_result() -> None:
    response = page_of(a_task())
    assert steps(response) == [
        ("waiting", "Sent", ""),
        ("waiting", "Received", "0.1"),
        ("running", "Started", "0.1"),
        ("succeeded", "Succeeded", "0.5"),
    ]
    assert "<pre" in response.text
    written = "".join(piece.text for piece in response.context["arguments"].code)
    assert written == "ship(\n    1,\n    carrier='dhl',\n)"
    assert "&#x27;tracked&#x27;" in response.text
    assert 'title="SUCCESS"' in response.text


def test_a_retried_task_shows_every_attempt_with_its_own_error() -> None:
    response = page_of(a_retried_task())
    assert steps(response, 0) == [
        ("waiting", "Sent", ""),
        ("waiting", "Received", "1.0"),
        ("running", "Started", "2.0"),
        ("retrying", "Retry 1", "4.0"),
    ]
    assert steps(response, 1) == [
        ("waiting", "Sent", ""),
        ("waiting", "Received", "1.0"),
        ("running", "Started", "7.0"),
        ("failed", "Failed", "16.0"),
    ]
    attempts = response.context["attempts"]
    assert [(each.number, each.passage.run.outcome, each.error.type) for each in attempts] == [
        (2, "failed", "TimeoutError"),
        (1, "retried", "CardDeclined"),
    ]
    assert "Attempt 2 of 2 · TimeoutError" in response.text


def test_a_traceback_is_split_into_the_application_s_frames_and_the_rest() -> None:
    response = page_of(a_task("failed"))
    kinds = [(part.kind, part.frames) for part in response.context["failed"].trace]
    assert kinds == [("text", 0), ("library", 1), ("own", 1), ("error", 0)]
    assert "1 frame in celery" in response.text
    assert "line 88, in charge_card" in response.text


def test_a_running_task_ticks() -> None:
    uuid, at = str(uuid4()), now() - 5
    store(sent(uuid, at), received(uuid, at + 1), event("started", uuid, at + 2))
    response = page_of(uuid)
    assert [step[0] for step in steps(response)] == [
        *("waiting", "waiting", "running", "open", "ahead"),
    ]
    assert 'data-ticks="since"' in response.text


def test_a_task_that_was_only_sent_waits() -> None:
    uuid = str(uuid4())
    store(sent(uuid, now() - 5))
    response = page_of(uuid)
    assert steps(response) == [
        ("waiting", "Sent", ""),
        ("open", "Not received yet", ""),
        ("ahead", "Start", ""),
        ("ahead", "End", ""),
    ]
    assert response.context["sentence"].startswith("Has been waiting")


def test_what_was_not_observed_is_said_and_not_invented() -> None:
    uuid, at = str(uuid4()), now()
    store(event("succeeded", uuid, at, result="1", runtime=0.2))
    response = page_of(uuid)
    assert steps(response) == [
        ("unseen", "Sent", ""),
        ("unseen", "Received", ""),
        ("unseen", "Started", ""),
        ("succeeded", "Succeeded", "0.2"),
    ]
    assert "Not observed: no event that carries them" in response.text
    assert "task_send_sent_event" in response.text
    assert "Its wait was not observed, ran 200 ms" in response.context["sentence"]


def test_a_wait_far_over_the_usual_one_is_marked() -> None:
    for second in range(10):
        a_task(ago=100 + second)
    uuid, at = str(uuid4()), now() - 60
    store(sent(uuid, at), received(uuid, at + 1), event("started", uuid, at + 40))
    response = page_of(uuid)
    [lane] = response.context["life"].lanes
    assert [step.label for step in lane.steps if step.slow] == ["Started"]
    assert "× usual" in response.text
    assert "× this type&#x27;s median)" in response.text


def test_a_clock_that_runs_behind_gives_about_zero_and_no_negative_wait() -> None:
    uuid, at = str(uuid4()), now() - 60
    store(sent(uuid, at), received(uuid, at - 0.4), event("started", uuid, at))
    text = page_of(uuid).text
    assert "≈ 0" in text
    assert "-" not in text.partition("≈ 0")[2][:20]
    assert "clocks of two machines differ" in text


def test_thousands_of_deliveries_are_shortened() -> None:
    uuid, at = str(uuid4()), now() - 60
    events = [sent(uuid, at)]
    for delivery in range(40):
        events += [
            received(uuid, at + delivery, retries=delivery),
            failed(uuid, at + delivery + 0.5, "retried"),
        ]
    store(*events)
    response = page_of(uuid)
    lanes = response.context["life"].lanes
    assert len(lanes) <= 6
    assert next(lane.skipped for lane in lanes if lane.skipped) > 0
    assert len(response.context["attempts"]) == 5
    every = root_client().get(reverse("celery_monitor:task", args=[uuid]) + "?attempts=all")
    assert len(every.context["attempts"]) == response.context["all_attempts"] > 5


def test_the_family_is_there_with_root_parent_and_children() -> None:
    root, parent, child, grandchild = (str(uuid4()) for _each in range(4))
    at = now() - 30
    store(
        sent(root, at, name="shop.checkout"),
        sent(parent, at + 1, name="shop.order", root_id=root, parent_id=root),
        sent(child, at + 2, name="shop.pay", root_id=root, parent_id=parent),
        sent(grandchild, at + 3, name="shop.thank", root_id=root, parent_id=child),
    )
    response = page_of(child)
    family = response.context["family"]
    assert (family.root.id, family.parent.id) == (root, parent)
    assert [each.id for each in family.children] == [grandchild]
    for relative in (root, parent, grandchild):
        assert reverse("celery_monitor:task", args=[relative]) in response.text


def test_the_last_runs_of_the_type_end_with_this_one() -> None:
    earlier = [a_task(ago=30 - second) for second in range(5)]
    this, _later = a_task(ago=10), a_task(ago=1)
    found = page_of(this).context["siblings"]
    assert [bar.task.id for bar in found.bars] == [*earlier, this]
    assert (found.older, found.newer) == (earlier[-1], _later)
    # Two tenths of a second waiting, five running.
    assert found.p95 == pytest.approx(0.7)


def test_an_unknown_task_is_explained() -> None:
    response = root_client().get(reverse("celery_monitor:task", args=["nobody"]))
    assert response.status_code == 404
    assert "No task with this id is kept" in response.text


@pytest.mark.parametrize("task_id", ["a/b//c", "ünï cödé", "?x=1#y", "100%", "a\nb", "_5F"])
def test_any_id_has_a_page(task_id: str) -> None:
    store(sent(task_id, now()))
    assert page_of(task_id).context["task"].id == task_id


def test_a_row_without_events_has_a_page_too() -> None:
    Task.objects.filter(pk=(task_id := a_task())).update(events="")
    assert page_of(task_id).context["life"] is None


def test_only_staff_is_shown_the_way_to_the_admin() -> None:
    a_task()
    url = reverse("celery_monitor:tasks")
    assert "Django admin" in client_of("view_task", staff=True).get(url).text
    assert "Django admin" not in client_of("view_task").get(url).text


def test_attempts_and_relatives_cost_no_more_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client, uuid = root_client(), a_retried_task()
    for _child in range(20):
        store(sent(str(uuid4()), now(), parent_id=uuid, root_id=uuid))
    url = reverse("celery_monitor:task", args=[uuid])
    client.get(url)
    # Session, user, revision, collector, task, errors, usual wait, relatives, children, the same
    # root, siblings, the run after; what it is a re-run of, and was run again as.
    with django_assert_max_num_queries(16):
        assert client.get(url).status_code == 200
