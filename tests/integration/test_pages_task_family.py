"""The task page's relatives, attempts and texts: what is found, for whom, and by which index."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy, M, User
from django_celery_monitor.models import Task
from tests.integration.made import (
    Event,
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


class Narrow(AccessPolicy):
    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        return queryset.exclude(pk="part-7") if queryset.model is Task else queryset


def page_of(task_id: str, client: Client | None = None) -> Any:
    response = (client or root_client()).get(reverse("celery_monitor:task", args=[task_id]))
    assert response.status_code == 200
    return response


def published(uuid: str, at: float, name: str = "shop.part", **own: Any) -> Event:
    said = event("published", uuid, at, "gen1@web", name=name, queue="mail", **own)
    return said | {"type": "monitor-published"}


def a_chord(size: int = 3) -> str:
    """Members ``part-0`` and so on; returns the id of its body."""
    at = now() - 60
    chord = {"task": "shop.whole", "id": "whole"}
    store(
        *(
            published(f"part-{index}", at + index, group_id="g-1", group_index=index, chord=chord)
            for index in range(size)
        ),
        *(received(f"part-{index}", at + 1 + index, name="shop.part") for index in range(size)),
        event("succeeded", "part-0", at + 9, result="1", runtime=0.5),
        published("whole", at + 30, "shop.whole", parent_id="part-2", root_id="part-2"),
    )
    return "whole"


def test_a_member_knows_its_group_and_the_chord_s_body() -> None:
    a_chord()
    response = page_of("part-1")
    family = response.context["family"]
    assert [each.id for each in family.group] == ["part-0", "part-1", "part-2"]
    assert family.body.id == "whole"
    assert "In its group: 1 of 3 done" in response.text
    assert "Groups and chords are known from the recorder." in response.text
    assert len(response.context["graph"]["nodes"]) == 4


def test_a_body_knows_whom_it_waited_for() -> None:
    body = a_chord()
    drawn = page_of(body).context["graph"]
    assert [edge[2] for edge in drawn["edges"]] == ["chord"] * 3


def test_from_events_alone_no_group_is_claimed() -> None:
    parent = a_task()
    store(*(sent(f"child-{n}", now(), parent_id=parent, root_id=parent) for n in range(30)))
    response = page_of(parent)
    assert "these name no groups or chords" in response.text
    assert [node["detail"] for node in response.context["graph"]["nodes"]][1:] == [
        "0 / 30 done, inferred"
    ]
    assert "Groups inferred: same caller, same type" in response.text


def test_a_task_alone_has_no_graph() -> None:
    response = page_of(a_task())
    assert response.context["family"].alone
    assert len(response.context["graph"]["nodes"]) == 1


def test_a_family_that_is_too_large_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_celery_monitor.reading import family

    monkeypatch.setattr(family, "MOST", 10)
    parent = a_task()
    store(*(sent(f"child-{n}", now(), parent_id=parent, root_id=parent) for n in range(30)))
    response = page_of(parent)
    assert response.context["family"].cut
    assert len(response.context["family"].tasks) == 10
    assert "relatives that were found are drawn" in response.text


def test_a_body_is_found_however_many_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_celery_monitor.reading import family

    monkeypatch.setattr(family, "MOST", 10)
    a_chord(30)
    found = page_of("part-0").context["family"]
    assert found.body.id == "whole"
    assert len(found.tasks) == 10


def test_a_tile_of_a_family_that_was_cut_does_not_say_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django_celery_monitor.reading import family

    monkeypatch.setattr(family, "MOST", 40)
    parent = a_task()
    store(*(sent(f"child-{n}", now(), parent_id=parent, root_id=parent) for n in range(60)))
    [many] = [node for node in page_of(parent).context["graph"]["nodes"] if node.get("many")]
    assert many["detail"] == "0 / 39+ done, inferred"


def test_a_tile_leads_to_the_page_with_its_members_and_back() -> None:
    a_chord(30)
    client, url = root_client(), reverse("celery_monitor:task", args=["part-0"])
    before = client.get(f"{url}?attempts=all")
    [many] = [node for node in before.context["graph"]["nodes"] if node.get("many")]
    response = client.get(url + many["url"].partition("#")[0])
    assert len(response.context["graph"]["nodes"]) == 31
    assert response.context["folded_url"] == "?attempts=all#family-drawing"
    assert client.get(f"{url}?open={'x' * 300}&open=%00").status_code == 200


def a_chord_with_gaps() -> None:
    """Members 1, 2 and 4 of a chord; the second has ended, its body is still to come."""
    at, chord = now() - 60, {"task": "shop.whole", "id": "whole"}
    for place in (0, 1, 3):
        own: Event = {"group_id": "g-1", "group_index": place, "chord": chord}
        store(
            published(f"part-{place}", at, **own), received(f"part-{place}", at, name="shop.part")
        )
    store(event("succeeded", "part-1", at + 9, result="('secret',)", runtime=0.5))


def test_a_chord_says_who_is_missing_and_who_has_no_record() -> None:
    a_chord_with_gaps()
    response = page_of("part-0")
    assert response.context["awaited"].unseen == (3,)
    assert "In its group: 1 of 4 done" in response.text
    assert "member no. 3" in response.text
    assert "shop.whole" in response.text
    node = (
        root_client()
        .get(reverse("celery_monitor:task", args=["part-0"]), {"node": "whole"})
        .context["node"]
    )
    assert [each.id for each in node.waits_for.missing] == ["part-0", "part-3"]
    assert node.task is None


def test_nothing_is_said_to_be_missing_by_who_may_not_see_all(settings: Settings) -> None:
    a_chord_with_gaps()
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.Narrow"}
    response = page_of("part-0")
    assert response.context["awaited"].unseen == ()
    assert "No record" not in response.text


def test_a_member_that_hides_its_place_leaves_no_gaps() -> None:
    a_chord_with_gaps()
    store(published("part-9", now(), group_id="g-1"))
    assert page_of("part-0").context["awaited"].unseen == ()


def test_a_node_shows_no_more_than_its_reader_may_see() -> None:
    a_chord_with_gaps()
    url = reverse("celery_monitor:task", args=["part-0"])
    for client, seen in ((client_of("view_task"), False), (root_client(), True)):
        response = client.get(url, {"node": "part-1"})
        assert response.context["node"].task.id == "part-1"
        assert ("secret" in response.text) is seen


def test_a_node_of_another_family_is_not_shown() -> None:
    a_chord_with_gaps()
    other = a_task()
    response = root_client().get(
        reverse("celery_monitor:task", args=["part-0"]), {"node": other, "open": "x"}
    )
    assert response.context["node"] is None


def test_the_list_of_a_family_says_what_its_drawing_says() -> None:
    a_chord(30)
    at = now() - 20
    store(
        event("started", "part-0", at - 40),
        *(event("started", "whole", at), event("succeeded", "whole", at + 2, runtime=2.0)),
    )
    response = page_of("whole")
    listed = response.text.partition('class="card graph-list"')[2]
    for node in response.context["graph"]["nodes"]:
        assert escape(node["name"]) in listed
        assert escape(node["detail"]) in listed
    assert "Waiting" in listed
    assert "on the critical path" in listed
    assert "Critical path" in response.text
    assert "Groups known from the recorder" in response.text


def test_whole_arguments_come_from_the_recorder() -> None:
    payload = json.dumps([["the eagle"], {"at": {"__type__": "date", "__value__": "1969-07-20"}}])
    store(published("a-1", now(), args="('the...',)", kwargs="{}", payload=payload))
    response = page_of("a-1")
    assert "as published" in response.text
    assert "at</span>=date(" in response.text
    assert "eagle" not in page_of("a-1", client_of("view_task")).text


def test_the_text_to_copy_holds_what_its_reader_may_see_and_no_more() -> None:
    done, broken = a_task(args="('the eagle',)"), a_task("failed", args="('the eagle',)")
    some, every = client_of("view_task"), client_of("view_task", "view_task_arguments")
    for task_id in (done, broken):
        text = page_of(task_id, some).context["report"]
        for secret in ("eagle", "tracked", "insufficient_funds", "gateway.charge"):
            assert secret not in text
        assert task_id in text
        assert "the eagle" in page_of(task_id, every).context["report"]
    assert "CardDeclined" in page_of(broken, some).context["report"]
    assert "gateway.charge(order.total)" in page_of(broken, every).context["report"]
    assert f"http://testserver/monitor/tasks/{broken}/" in page_of(broken, some).context["report"]


def test_without_the_right_no_text_of_a_task_leaves_the_database() -> None:
    uuid, at, secret = str(uuid4()), now() - 60, "the eagle"
    store(
        published(
            uuid, at, payload=json.dumps([[secret], {}]), origin=secret, stamps={"s": secret}
        ),
        received(uuid, at + 1, args=f"('{secret}',)"),
        event("started", uuid, at + 2),
        failed(uuid, at + 3, "retried", exception=f"E('{secret}')", traceback=secret),
        received(uuid, at + 4, retries=1),
        event("progress", uuid, at + 5, note=secret),
        failed(uuid, at + 6, exception=f"F('{secret}')", traceback=secret),
    )
    response = page_of(uuid, client_of("view_task"))
    assert secret not in response.text
    assert "hidden" in response.text
    assert secret in page_of(uuid).text


def test_a_record_that_retention_deletes_soon_says_so(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"RETENTION_DAYS": 30.0}
    old = a_task(ago=29.5 * 86400)
    assert "Retention deletes this record in 12" in page_of(old).text.replace("\xa0", " ")
    assert "Retention deletes" not in page_of(a_task()).text


def test_a_task_that_was_delivered_twice_is_marked() -> None:
    uuid, at = str(uuid4()), now() - 60
    store(
        *(sent(uuid, at), received(uuid, at + 1), event("started", uuid, at + 2)),
        *(received(uuid, at + 30, host="w2"), event("started", uuid, at + 31, "w2")),
        event("succeeded", uuid, at + 32, "w2", result="1", runtime=1.0),
    )
    response = page_of(uuid)
    assert [each.passage.again for each in response.context["attempts"]] == ["delivered", ""]
    assert "delivered again" in response.text


def test_every_query_of_the_page_is_limited_or_asks_for_keys() -> None:
    a_chord()
    client = root_client()
    client.get(reverse("celery_monitor:task", args=["part-1"]))
    with CaptureQueriesContext(connection) as queries:
        page_of("part-1", client)
    table = Task._meta.db_table
    of_tasks = [each["sql"] for each in queries if f'FROM "{table}"' in each["sql"]]
    assert len(of_tasks) >= 6
    for sql in of_tasks:
        by_key = f'"{table}"."id" = ' in sql or f'"{table}"."id" IN ' in sql
        assert by_key or "LIMIT" in sql, sql
        assert "COUNT(" not in sql


def test_runs_before_and_after_are_a_step_away() -> None:
    first, second, third = (a_task(ago=30 - 10 * n) for n in range(3))
    text = page_of(second).text
    assert f'rel="prev" href="{reverse("celery_monitor:task", args=[first])}"' in text
    assert f'rel="next" href="{reverse("celery_monitor:task", args=[third])}"' in text
