"""The audit's pages: who did what, newest first, by filters of the address, and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.models import ControlAction, ControlTarget, Worker
from tests.integration.kept import a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

LIST = reverse("celery_monitor:audit")
EXPORT = reverse("celery_monitor:audit_export")


def an_entry(
    act: str = "revoke", user: str = "ana", kind: str = "task", target: str = "a-1", **more: Any
) -> ControlAction:
    started = more.pop("started_at", timezone.now())
    more = {"outcome": "confirmed", "source": "page", "target_count": 1, **more}
    action = ControlAction.objects.create(act=act, user_name=user, started_at=started, **more)
    ControlTarget.objects.create(action=action, kind=kind, value=target)
    return action


@pytest.fixture
def reader() -> Client:
    return signed_in(person("reader", "view_controlaction"))


def text(response: Any) -> str:
    return str(response.content.decode())


def shown(client: Client, **given: Any) -> list[int]:
    page = text(client.get(LIST, given))
    return [int(key) for key in re.findall(r'id="entry-(\d+)"', page)]


def test_the_newest_comes_first_and_older_ones_follow(reader: Client) -> None:
    keys = [an_entry().pk for _n in range(60)][::-1]
    assert shown(reader) == keys[:50]
    assert shown(reader, cursor=keys[49]) == keys[50:]
    page = text(reader.get(LIST))
    assert f"cursor={keys[49]}" in page


def test_filters_of_the_address_narrow_the_list(reader: Client) -> None:
    hour = timezone.now() - timedelta(hours=1)
    first = an_entry(started_at=hour).pk
    second = an_entry("shutdown", "bob", "worker", "w1@h", outcome="unclear").pk
    assert shown(reader, user="bob") == [second]
    assert shown(reader, act="revoke") == [first]
    assert shown(reader, target="worker:w1@h") == [second]
    assert shown(reader, target="a-1") == [first]
    assert shown(reader, outcome="unclear") == [second]
    assert shown(reader, before="30m") == [first]
    assert shown(reader, after="30m") == [second]
    assert shown(reader, user="nobody") == []
    assert reader.get(LIST, {"after": "soon"}).status_code == 400
    assert reader.get(LIST, {"cursor": "x"}).status_code == 400


def test_an_entry_names_who_answered_and_who_did_not(reader: Client) -> None:
    replies = {"w1@h": {"verdict": "refused", "text": "<b>no</b>"}}
    entry = an_entry(replies=replies, silent=["w2@h"], reason="<i>double</i> charge")
    page = text(reader.get(reverse("celery_monitor:audit_entry", args=[entry.pk])))
    assert "Refused." in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "w2@h" in page
    assert "did not answer" in page
    assert "&lt;i&gt;double&lt;/i&gt; charge" in page
    assert reader.get(reverse("celery_monitor:audit_entry", args=[10**30])).status_code == 404


def test_the_file_has_what_the_filters_find_and_no_formula(reader: Client) -> None:
    an_entry(reason="=1+1")
    an_entry(user="bob")
    response = reader.get(EXPORT, {"user": "ana"})
    body = b"".join(response).decode()
    [row] = csv.DictReader(io.StringIO(body))
    assert (row["user_name"], row["targets"], row["reason"]) == ("ana", "task:a-1", "'=1+1")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="audit-')


def test_the_file_has_a_limit(reader: Client, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"EXPORT_MAX": 3}
    keys = [an_entry().pk for _n in range(5)]
    body = b"".join(reader.get(EXPORT)).decode()
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(body))] == keys[:1:-1]


class Own(AccessPolicy):
    """Everybody sees what they did."""

    def visible(self, user: Any, queryset: Any) -> Any:
        if queryset.model is ControlAction:
            return queryset.filter(user_name=user.get_username())
        return queryset


def test_a_policy_narrows_list_entry_and_file(settings: Settings, reader: Client) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.Own"}
    mine, other = an_entry(user="reader").pk, an_entry().pk
    assert shown(reader) == [mine]
    assert reader.get(reverse("celery_monitor:audit_entry", args=[other])).status_code == 404
    assert "ana" not in b"".join(reader.get(EXPORT)).decode()


def test_a_new_entry_is_news_for_who_has_the_page() -> None:
    client = signed_in(person("root", "view_controlaction"))
    an_entry()
    tag = client.get(LIST).headers["ETag"]
    an_entry()
    assert client.get(LIST, headers={"If-None-Match": tag}).status_code == 200


def test_only_who_may_finds_it_in_the_navigation(reader: Client) -> None:
    link = f'href="{LIST}" data-key="a"'
    assert link in text(reader.get(LIST))
    assert link not in text(signed_in(person("viewer", "view_task")).get("/monitor/"))


class OneWorker(AccessPolicy):
    """Everybody sees one worker, and all tasks."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.filter(hostname="w1@h") if queryset.model is Worker else queryset


def test_an_entry_named_workers_that_are_hidden_from_its_reader(settings: Settings) -> None:
    """Tasks are revoked at all workers, also at those that the person does not see."""
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OneWorker"}
    a_worker("w1@h")
    a_worker("w2@h")
    user = person("one", "view_controlaction", "view_task", staff=True)
    said = {host: {"verdict": "done", "text": host} for host in ("w1@h", "w2@h")}
    more: dict[str, Any] = {"user_id": str(user.pk), "replies": said, "silent": ["w3@h"]}
    mine, other = an_entry(user="one", **more), an_entry(user="bob", kind="worker", target="w2@h")
    client = signed_in(user)
    assert shown(client) == [mine.pk]
    admin = "admin:django_celery_monitor_controlaction_change"
    for url in (
        reverse("celery_monitor:audit_entry", args=[mine.pk]),
        reverse("celery_monitor:api:get_action", args=[mine.pk]),
        reverse("celery_monitor:api:list_actions"),
        reverse(admin, args=[mine.pk]),
        EXPORT,
    ):
        answer: Any = client.get(url)
        page = b"".join(answer).decode()
        assert "w1@h" in page, url
        assert "w2@h" not in page, url
        assert "w3@h" not in page, url
    assert client.get(reverse("celery_monitor:audit_entry", args=[other.pk])).status_code == 404
