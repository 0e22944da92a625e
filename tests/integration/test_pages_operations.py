"""Operations on pages: what is asked before, what is shown meanwhile, and who may."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.control.operations import Chosen, begin, parsed
from django_celery_monitor.control.overlap import are_apart
from django_celery_monitor.models import Operation, OperationItem, Task
from tests.integration.kept import a_collector, a_task
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

LIST = "/monitor/operations/"
NEW = "/monitor/operations/new/"
Status = Operation.Status


@pytest.fixture
def ana(db: None) -> User:
    return person("ana", "view_task", "revoke_task", "terminate_task")


@pytest.fixture
def browser(ana: User) -> Client:
    return signed_in(ana)


@pytest.fixture(autouse=True)
def some(db: None) -> None:
    for n in range(3):
        a_task(f"w-{n}", state="PENDING", time=timezone.now() - timedelta(minutes=n + 1))
    a_task("f-1", state="FAILURE")


def text(browser: Client, url: str, **data: Any) -> str:
    answer = browser.post(url, data) if data else browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def confirmed(browser: Client, **data: Any) -> Operation:
    answer = browser.post(NEW, {"confirmed": "1", **data})
    assert answer.status_code == 302, answer.content.decode()
    return Operation.objects.get(pk=answer["Location"].split("/")[-2])


def many(count: int) -> None:
    time = timezone.now() - timedelta(hours=1)
    Task.objects.bulk_create(
        Task(
            id=f"m-{n}", name="shop.mail", queue="mail", state="PENDING", time=time, updated_at=time
        )
        for n in range(count)
    )


def test_ticked_rows_are_sent_without_scripts(browser: Client) -> None:
    page = text(browser, "/monitor/tasks/")
    assert '<form id="bulk" method="post" action="/monitor/operations/new/">' in page
    assert 'form="bulk" name="id" value="w-0"' in page
    assert '<noscript><div class="strip selected">' in page
    asked = text(browser, NEW, act="revoke", id=["w-0", "w-1"])
    assert "Revoke 2 tasks?" in asked
    assert "shop.pay" in asked
    operation = confirmed(browser, act="revoke", ids=json.dumps(["w-0", "w-1"]), reason="old")
    assert (operation.matched, operation.reason, operation.user_name) == (2, "old", "ana")


def test_everything_that_matches_is_asked_for_by_its_filter(browser: Client) -> None:
    bound = timezone.now().isoformat()
    asked = text(browser, NEW, act="revoke", filter="state=waiting", bound=bound)
    for said in ("Revoke 3 tasks?", "state:waiting", "w-2", "skipped", "Reason"):
        assert said in asked
    operation = confirmed(browser, act="revoke", filter="state=waiting", bound=bound, rest="2")
    assert (operation.filter, operation.said) == ("state=waiting", "state:waiting")
    assert (operation.rest, operation.collected) == (2.0, False)


def test_more_than_a_hundred_have_to_be_typed(browser: Client) -> None:
    many(200)
    query = {"act": "revoke", "filter": "queue=mail"}
    asked = text(browser, NEW, **query)
    assert "Type <code>200</code> to confirm" in asked
    answer = browser.post(
        NEW, {**query, "confirmed": "1", "wants_typed": "1", "number": "200", "typed": "20"}
    )
    assert answer.status_code == 400
    assert b"Nothing was begun" in answer.content
    confirmed(browser, **query, wants_typed="1", number="200", typed="200")


def test_too_many_are_to_be_narrowed(browser: Client, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"OPERATION_MAX": 2}
    asked = text(browser, NEW, act="revoke", filter="state=waiting")
    assert "narrow the filter" in asked
    assert 'name="reason"' not in asked


def test_nothing_matches(browser: Client) -> None:
    assert "No task matches." in text(browser, NEW, act="revoke", filter="name=none")


def test_verbs_that_fit_no_state_of_the_filter_are_not_offered(browser: Client) -> None:
    assert 'name="act" value="revoke"' in text(browser, "/monitor/tasks/?state=waiting")
    failed = text(browser, "/monitor/tasks/?state=failed")
    assert 'name="act" value="revoke"' not in failed


def test_who_may_not_sees_the_verb_greyed_and_is_refused() -> None:
    browser = signed_in(person("viewer", "view_task"))
    page = text(browser, "/monitor/tasks/?state=waiting")
    assert 'value="revoke"' not in page
    assert 'aria-disabled="true"' in page
    answer = browser.post(NEW, {"act": "revoke", "id": "w-0"})
    assert answer.status_code == 403
    assert b"revoke_task" in answer.content


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"act": "revoke"}, 400),
        ({"act": "ping", "id": "w-0"}, 404),
        ({"act": "revoke", "ids": "no json"}, 400),
        ({"act": "revoke", "ids": "{}"}, 400),
        ({"act": "revoke", "ids": json.dumps([str(n) for n in range(1001)])}, 400),
        ({"act": "revoke", "filter": "state=waiting", "bound": "nonsense"}, 400),
        ({"act": "revoke", "filter": "runtime=x"}, 400),
        ({"act": "revoke", "filter": "q=secret"}, 403),
        ({"act": "revoke", "of": "x"}, 404),
        ({"act": "revoke", "id": "w-0", "confirmed": "1", "reason": "x" * 2000}, 400),
    ],
)
def test_what_is_wrong_is_said(data: dict[str, str], status: int, browser: Client) -> None:
    assert browser.post(NEW, data).status_code == status
    assert not Operation.objects.exists()


def test_a_link_asks_and_does_nothing(browser: Client) -> None:
    asked = text(browser, f"{NEW}?act=revoke&filter=state%3Dwaiting&confirmed=1")
    assert "Revoke 3 tasks?" in asked
    assert not Operation.objects.exists()


def test_a_form_of_another_site_begins_nothing(ana: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    assert strict.post(NEW, {"act": "revoke", "id": "w-0", "confirmed": "1"}).status_code == 403


def test_another_operation_on_the_same_tasks_is_a_warning(ana: User, browser: Client) -> None:
    begin(ana, "revoke", Chosen(expression=parsed("state=waiting&name=shop.pay")))
    warning = "Another operation</a> of ana"
    assert warning in text(browser, NEW, act="revoke", filter="state=waiting")
    assert warning in text(browser, NEW, act="revoke", id="w-0")
    assert warning not in text(browser, NEW, act="revoke", filter="name=shop.mail")
    assert warning not in text(browser, NEW, act="terminate", filter="state=waiting")
    begin(ana, "terminate", Chosen(ids=["w-0"]))
    assert warning in text(browser, NEW, act="terminate", id="w-0")
    assert warning not in text(browser, NEW, act="terminate", id="w-1")


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("name=a", "name=b", True),
        ("name=a", "name=a*", False),
        ("state=waiting", "state=PENDING", False),
        ("state=waiting", "state=failed", True),
        ("name=a", "queue=b", False),
        ("name=a&queue=x", "name=a&queue=y", True),
        ("-name=a", "name=a", False),
    ],
)
def test_filters_are_apart_where_exact_values_differ(one: str, other: str, apart: bool) -> None:
    assert are_apart(parsed(one), parsed(other)) == apart


def running(ana: User, **values: Any) -> Operation:
    operation = begin(ana, "revoke", Chosen(ids=[f"w-{n}" for n in range(3)], bound=timezone.now()))
    Operation.objects.filter(pk=operation.pk).update(**values)
    operation.refresh_from_db()
    return operation


def test_an_operation_shows_how_far_it_is_and_what_went_wrong(ana: User, browser: Client) -> None:
    a_collector()
    begun = timezone.now() - timedelta(seconds=10)
    operation = running(
        ana, status=Status.RUNNING, done=1, failed=1, started_at=begun, turned_at=timezone.now()
    )
    items = OperationItem.objects.filter(operation=operation)
    items.filter(task_id="w-0").update(status="done")
    items.filter(task_id="w-1").update(status="failed", message="<b>no</b>")
    url = reverse("celery_monitor:operation", args=[operation.pk])
    page = text(browser, url)
    for said in ("Revoke 3 tasks", "running", "0.2 per second", "left", "&lt;b&gt;no&lt;/b&gt;"):
        assert said in page
    assert 'href="/monitor/tasks/w-1/"' in page
    assert ">Stop</button>" in page
    assert "No collector runs" not in page
    assert browser.post(f"{url}stop/").status_code == 302
    operation.refresh_from_db()
    assert operation.status == Status.STOPPING
    Operation.objects.update(status=Status.STOPPED)
    page = text(browser, url)
    assert ">Resume</button>" in page
    assert f"?act=revoke&amp;of={operation.pk}" in page
    assert browser.post(f"{url}resume/").status_code == 302
    assert "No collector runs" not in text(browser, url)


def test_without_a_collector_the_page_says_that_nothing_happens(ana: User, browser: Client) -> None:
    operation = running(ana)
    url = reverse("celery_monitor:operation", args=[operation.pk])
    assert "No collector runs, so nothing happens." in text(browser, url)


def test_what_failed_is_tried_again_as_an_operation_of_its_own(ana: User, browser: Client) -> None:
    operation = running(ana, status=Status.FINISHED, failed=1)
    OperationItem.objects.filter(operation=operation, task_id="w-1").update(status="failed")
    asked = text(browser, f"{NEW}?act=revoke&of={operation.pk}")
    assert "Revoke 1 task?" in asked
    again = confirmed(browser, act="revoke", of=str(operation.pk))
    assert again.of == operation


def test_the_list_shows_the_newest_first_by_act_and_user(ana: User, browser: Client) -> None:
    bob = person("bob", "view_task", "terminate_task", "view_controlaction")
    begin(ana, "revoke", Chosen(expression=parsed("name=shop.pay")))
    begin(bob, "terminate", Chosen(ids=["w-0"]))
    assert "terminate" not in text(browser, LIST).split("<tbody")[1].lower()
    boss = signed_in(bob)
    assert text(boss, LIST).split("<tbody")[1].index("Terminate") < text(boss, LIST).split(
        "<tbody"
    )[1].index("task:shop.pay")
    for query, there, gone in (("act=revoke", "ana", "bob"), ("user=bob", "bob", "ana")):
        rows = text(boss, f"{LIST}?{query}").split("<tbody")[1]
        assert there in rows
        assert gone not in rows.split("</tbody")[0]
    assert "No operation fits" in text(boss, f"{LIST}?user=nobody")


def test_the_list_goes_on_with_older_ones(ana: User, browser: Client) -> None:
    for n in range(30):
        operation = begin(ana, "revoke", Chosen(ids=["w-0"]), reason=f"r{n}")
        moment = timezone.now() - timedelta(hours=n)
        Operation.objects.filter(pk=operation.pk).update(created_at=moment)
    page = text(browser, LIST)
    assert page.count("<tr role") == 26
    older = page.split('rel="next" href="')[1].split('"')[0]
    assert text(browser, older).count("<tr role") == 6


def test_operations_of_others_are_for_who_may_see_the_audit(ana: User) -> None:
    operation = begin(ana, "revoke", Chosen(ids=["w-0"]))
    url = reverse("celery_monitor:operation", args=[operation.pk])
    eve = signed_in(person("eve", "view_task", "revoke_task"))
    assert eve.get(url).status_code == 404
    assert eve.post(f"{url}stop/").status_code == 404
    boss = signed_in(person("boss", "view_task", "view_controlaction"))
    assert boss.get(url).status_code == 200
    assert boss.post(f"{url}stop/").status_code == 403
    assert boss.get(reverse("celery_monitor:operation", args=[uuid.uuid4()])).status_code == 404


def test_a_page_without_operations_says_how_they_begin(browser: Client) -> None:
    assert "No operation yet" in text(browser, LIST)
