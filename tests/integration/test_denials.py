"""Who tries what they may not leaves an entry, at every door, and a loop leaves no flood."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control.denials import MOST
from django_celery_monitor.control.errors import DeniedError, UnknownTargetError
from django_celery_monitor.control.operations import Chosen, begin, resume
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction, Operation
from django_celery_monitor.upkeep.operations import Runner
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

V1 = "/monitor/api/v1"
READ = ("view_task", "view_worker")
AUDIT = reverse("celery_monitor:audit")


class Mails(AccessPolicy):
    """Everybody sees the tasks of one type."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.filter(name="mail") if queryset.model.__name__ == "Task" else queryset


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    a_task("a-1", state="FAILURE")
    a_worker("w1@host")


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", *READ, staff=True)


@pytest.fixture
def client(bob: User) -> Client:
    return signed_in(bob)


def entries() -> list[ControlAction]:
    return list(ControlAction.objects.order_by("pk"))


def entry() -> ControlAction:
    [found] = entries()
    assert (found.user_name, found.outcome) == ("bob", "denied")
    return found


def aimed(action: ControlAction) -> list[str]:
    return [str(each) for each in action.targets.order_by("pk")]


def rest(client: Client, act: str, **given: Any) -> int:
    body = json.dumps(given)
    answer = client.post(f"{V1}/acts/{act}", body, content_type="application/json")
    return answer.status_code


def test_on_a_page(client: Client) -> None:
    url = reverse("celery_monitor:act", args=["terminate"]) + "?ids=a-1"
    assert client.get(url).status_code == 403
    assert entries() == []
    answer = client.post(url, {"signal": "KILL", "reason": "why not"})
    assert answer.status_code == 403
    found = entry()
    assert (found.act, found.source, found.reason) == ("terminate", "page", "why not")
    assert (aimed(found), found.arguments) == (["task a-1"], {"signal": "SIGKILL"})
    assert "django_celery_monitor.terminate_task" in found.detail
    assert found.ended_at == found.started_at


@pytest.mark.parametrize(
    ("name", "args", "given", "act", "targets"),
    [
        ("retry", ["a-1"], {"confirm": "on"}, "retry", ["task a-1"]),
        ("send", [], {"task": "shop.pay", "send": "1"}, "send", ["type shop.pay"]),
    ],
)
def test_on_the_pages_that_publish(
    name: str, args: list[str], given: dict[str, str], act: str, targets: list[str], client: Client
) -> None:
    answer = client.post(reverse(f"celery_monitor:{name}", args=args), given)
    assert answer.status_code == 403
    assert (entry().act, entry().source, aimed(entry())) == (act, "page", targets)


def test_by_rest(client: Client) -> None:
    assert rest(client, "pool_grow", workers=["w1@host"], n=3, reason="more") == 403
    found = entry()
    assert (found.act, found.source, found.reason) == ("pool_grow", "api", "more")
    assert (aimed(found), found.arguments) == (["worker w1@host"], {"n": 3})
    assert client.post(f"{V1}/acts/conf", "{", content_type="application/json").status_code == 403
    assert [each.act for each in entries()] == ["pool_grow", "conf"]


def test_in_the_admin_though_it_offers_nothing_of_the_kind(client: Client) -> None:
    url = reverse("admin:django_celery_monitor_task_changelist")
    ticked = {"action": "revoke", "_selected_action": ["a-1"], "act_now": "1", "reason": "r"}
    assert client.post(url, ticked).status_code == 403
    found = entry()
    assert (found.act, found.source, found.reason) == ("revoke", "admin", "r")
    assert aimed(found) == ["task a-1"]


def test_by_the_command(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": True}
    with pytest.raises(CommandError, match="read-only"):
        call_command("celerymonitor_control", "purge", "mail")
    [found] = entries()
    assert (found.act, found.source, found.outcome) == ("purge", "command", "denied")
    assert (aimed(found), found.user_id) == (["queue mail"], "")
    assert found.user_name


def test_from_python(bob: User) -> None:
    with pytest.raises(DeniedError):
        perform(bob, "revoke", {"ids": ["a-1"]})
    assert (entry().source, aimed(entry())) == ("python", ["task a-1"])


def test_an_operation_that_was_to_begin(client: Client) -> None:
    given = {"act": "retry", "ids": '["a-1"]', "confirmed": "1", "reason": "all"}
    url = reverse("celery_monitor:new_operation")
    assert client.get(f"{url}?act=retry&id=a-1").status_code == 403
    assert entries() == []
    assert client.post(url, given).status_code == 403
    assert (entry().act, entry().source, entry().reason) == ("retry", "operation", "all")
    assert aimed(entry()) == ["task a-1"]
    body = json.dumps({"act": "revoke", "filter": "queue=mail"})
    answer = client.post(f"{V1}/operations", body, content_type="application/json")
    assert answer.status_code == 403
    assert entries()[1].target_filter == "queue:mail"
    assert not Operation.objects.exists()


@pytest.mark.parametrize("change", ["stop", "resume"])
def test_an_operation_that_was_to_be_stopped_or_resumed(change: str, bob: User) -> None:
    ana = person("ana", "revoke_task", *READ)
    operation = begin(ana, "revoke", Chosen(ids=["a-1"]))
    bob.user_permissions.add(Permission.objects.get(codename="view_controlaction"))
    client = signed_in(bob)
    url = reverse(f"celery_monitor:{change}_operation", args=[operation.pk])
    assert client.post(url).status_code == 403
    assert client.post(f"{V1}/operations/{operation.pk}/{change}").status_code == 403
    [_begun, denied] = entries()
    assert (denied.act, denied.outcome, denied.repeated) == ("revoke", "denied", 1)
    assert denied.target_filter == f"the operation {operation.pk}"
    operation.refresh_from_db()
    assert operation.status == "queued"


def test_an_operation_whose_person_lost_the_right_while_it_ran(bob: User) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="revoke_task"))
    operation = begin(bob, "revoke", Chosen(ids=["a-1"]))
    bob.user_permissions.clear()
    assert Runner(find_app(), "default").step(0)
    operation.refresh_from_db()
    assert operation.status == "stopped"
    [_begun, denied] = entries()
    assert (denied.outcome, denied.detail) == ("denied", operation.detail)
    assert "revoke_task" in denied.detail


def test_an_operation_that_ran_when_the_monitor_became_read_only(
    bob: User, settings: Settings
) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="revoke_task"))
    a_task("a-2", state="PENDING")
    operation = begin(bob, "revoke", Chosen(ids=["a-2"]))
    given = settings.CELERY_MONITOR
    settings.CELERY_MONITOR = {**given, "READ_ONLY": True}
    runner = Runner(find_app(), "default")
    assert runner.step(0)
    assert not runner.step(1)
    operation.refresh_from_db()
    assert (operation.status, operation.detail[:36]) == (
        "stopped",
        "This monitor is set to read-only: no",
    )
    assert [each.status for each in operation.items.all()] == ["waiting"]
    with pytest.raises(DeniedError):
        resume(bob, operation)
    settings.CELERY_MONITOR = given
    resume(bob, operation)
    operation.refresh_from_db()
    assert (operation.status, operation.detail) == ("queued", "")


def test_read_only_too(client: Client, bob: User, settings: Settings) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="revoke_task"))
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": True}
    assert rest(client, "revoke", ids=["a-1"]) == 403
    assert entry().detail.startswith("This monitor is set to read-only")


def test_to_reach_for_what_is_hidden_is_told(bob: User, settings: Settings) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="revoke_task"))
    with pytest.raises(UnknownTargetError):
        perform(bob, "revoke", {"ids": ["a-2"]})
    assert entries() == []
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": f"{__name__}.Mails"}
    with pytest.raises(UnknownTargetError):
        perform(bob, "revoke", {"ids": ["a-1"]})
    assert (aimed(entry()), entry().detail[:9]) == (["task a-1"], "Not there")


# What leaves nothing


def test_strangers_and_other_sites_leave_nothing(bob: User) -> None:
    url = reverse("celery_monitor:act", args=["revoke"]) + "?ids=a-1"
    assert Client().post(url).status_code == 302
    assert rest(Client(), "revoke", ids=["a-1"]) == 401
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(bob)
    assert forged.post(url).status_code == 403
    assert rest(forged, "revoke", ids=["a-1"]) == 403
    assert entries() == []


def test_a_loop_fills_one_entry(client: Client) -> None:
    for _n in range(30):
        assert rest(client, "revoke", ids=["a-1"]) == 403
    assert entry().repeated == 29
    found = entry()
    assert found.ended_at
    assert found.ended_at > found.started_at


def test_a_loop_over_many_targets_stops_at_some_entries(client: Client) -> None:
    for number in range(MOST + 15):
        assert rest(client, "revoke", ids=[f"a-{number}"]) == 403
    found = entries()
    assert len(found) == MOST
    assert sum(each.repeated for each in found) == 15
    assert found[-1].repeated == 15
    # Another person has entries of their own.
    assert rest(signed_in(person("eve", *READ)), "revoke", ids=["a-1"]) == 403
    assert len(entries()) == MOST + 1


def test_an_hour_later_there_is_another_entry(client: Client) -> None:
    rest(client, "revoke", ids=["a-1"])
    ControlAction.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    rest(client, "revoke", ids=["a-1"])
    assert [each.repeated for each in entries()] == [0, 0]


def test_who_shares_a_name_does_not_share_entries(client: Client) -> None:
    rest(client, "revoke", ids=["a-1"])
    ControlAction.objects.update(user_id="another")
    rest(client, "revoke", ids=["a-1"])
    assert [each.repeated for each in entries()] == [0, 0]


def test_secrets_of_what_was_tried_are_masked(client: Client) -> None:
    given = {"headers": {"api_key": ["hunter2"]}, "reason": "token=hunter2"}
    assert rest(client, "revoke_by_stamped_headers", **given) == 403
    assert "hunter2" not in repr(list(ControlAction.objects.values()))
    assert entry().arguments == {"headers": {"api_key": "••••••"}}


def test_who_is_refused_is_refused_though_nothing_can_be_recorded(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_args: Any, **_kwargs: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(ControlAction, "save", full)
    with caplog.at_level(logging.ERROR):
        assert rest(client, "revoke", ids=["a-1"]) == 403
    assert "Could not record that revoke was denied" in caplog.text


# Where it is seen


def test_the_audit_shows_and_finds_it_everywhere(client: Client) -> None:
    rest(client, "revoke", ids=["a-1"])
    rest(client, "revoke", ids=["a-1"])
    denied = entry()
    ControlAction.objects.create(
        act="ping", user_name="ann", source="api", outcome="confirmed", started_at=timezone.now()
    )
    reader = signed_in(person("reader", "view_task", "view_controlaction", staff=True))
    page = reader.get(AUDIT, {"outcome": "denied"}).text
    assert f'id="entry-{denied.pk}"' in page
    assert page.count('id="entry-') == 1
    assert "Denied" in page
    assert "and once again" in page
    one = reader.get(reverse("celery_monitor:audit_entry", args=[denied.pk])).text
    assert "django_celery_monitor.revoke_task" in one
    assert "once within the hour" in one
    assert "denied" in reader.get(reverse("celery_monitor:task", args=["a-1"])).text.lower()
    [item] = reader.get(f"{V1}/actions", {"outcome": "denied"}).json()["items"]
    assert (item["outcome"], item["repeated"], item["user"]) == ("denied", 1, "bob")
    admin = reverse("admin:django_celery_monitor_controlaction_changelist")
    assert "revoke" in reader.get(admin, {"outcome": "denied"}).text
    file = b"".join(reader.get(reverse("celery_monitor:audit_export"), {"outcome": "denied"}))
    assert b"denied" in file
    assert b"ping" not in file
