from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote as url_quote

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.admin.base import CappedPaginator
from django_celery_monitor.models import BadEvent, Task, TaskCount, TaskStats
from tests.integration.kept import EPOCH, T0, a_collector, a_task, a_worker, an_error
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

ADMIN = "/admin/django_celery_monitor"
MODELS = ("task", "taskerror", "worker", "collectorrun", "gap", "badevent")


class OwnPolicy(AccessPolicy):
    """A project's own policy: mail is not for everybody."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.exclude(name="mail") if queryset.model is Task else queryset


class NoMonitor:
    """The URLs of a project that mounts only the admin."""

    urlpatterns = [path("admin/", admin.site.urls)]


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def reader() -> Client:
    """May see tasks, but not what they carry."""
    return signed_in(person("reader", "view_task", staff=True))


def count(name: str, state: str = "SUCCESS") -> None:
    TaskCount.objects.create(period="e", start=EPOCH, name=name, state=state, count=1)


def rows(client: Client, query: str = "", model: str = "task") -> list[str]:
    """The text of each row's first cell."""
    page = client.get(f"{ADMIN}/{model}/?{query}")
    assert page.status_code == 200
    return [str(row.pk) for row in page.context["cl"].result_list]


def test_the_checks_find_nothing_wrong() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("admin.")] == []


# Who sees what


@pytest.mark.parametrize(
    ("codename", "expected"),
    [
        ("view_task", {"task", "taskerror"}),
        ("view_worker", {"worker"}),
        ("view_collectorrun", {"collectorrun", "gap"}),
        ("view_badevent", {"badevent"}),
        ("view_task_arguments", set()),
        ("change_task", set()),
        ("view_taskerror", set()),
    ],
)
def test_each_right_opens_its_own_lists(codename: str, expected: set[str]) -> None:
    client = signed_in(person("p", codename, staff=True))
    opened = {model for model in MODELS if client.get(f"{ADMIN}/{model}/").status_code == 200}
    assert opened == expected
    index = client.get("/admin/").content.decode()
    assert {model for model in MODELS if f'href="{ADMIN}/{model}/"' in index} == expected


def test_a_superuser_sees_all_lists(root: Client) -> None:
    assert {root.get(f"{ADMIN}/{model}/").status_code for model in MODELS} == {200}


def test_rights_without_staff_status_open_nothing() -> None:
    client = signed_in(person("p", "view_task"))
    assert client.get(f"{ADMIN}/task/").status_code == 302


def test_nothing_can_be_added_changed_or_deleted(root: Client) -> None:
    a_task("a-1")
    for page in ("task/add/", "task/a_2D1/delete/"):
        assert root.get(f"{ADMIN}/{page}").status_code == 403
        assert root.post(f"{ADMIN}/{page}", {"post": "yes"}).status_code == 403
    assert root.post(f"{ADMIN}/task/a-1/change/", {"name": "other"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": "a-1"}
    root.post(f"{ADMIN}/task/", action)
    assert Task.objects.get().name == "shop.pay"


def test_the_policy_hides_rows(root: Client, settings: Settings) -> None:
    a_task("a-1")
    a_task("a-2", name="mail")
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OwnPolicy"}
    assert rows(root) == ["a-1"]
    assert rows(root, "q=a-2") == []
    assert root.get(f"{ADMIN}/task/a-2/change/").status_code == 302


def a_secret_task() -> None:
    a_task(
        "a-1",
        state="FAILURE",
        args="(args-secret,)",
        kwargs="{'k': 'kwargs-secret'}",
        result="result-secret",
        exception="ValueError('exception-secret')",
        search="args-secret",
    )
    an_error("a-1", message="message-secret", traceback="traceback-secret")


def test_who_may_see_arguments_sees_them(root: Client) -> None:
    a_secret_task()
    page = root.get(f"{ADMIN}/task/a-1/change/").content.decode()
    for text in ("args", "kwargs", "result", "exception", "traceback"):
        assert f"{text}-secret" in page
    [error] = rows(root, model="taskerror")
    page = root.get(f"{ADMIN}/taskerror/{error}/change/").content.decode()
    assert "message-secret" in page
    assert "traceback-secret" in page


def test_who_may_not_see_arguments_is_told_so(reader: Client) -> None:
    a_secret_task()
    [error] = rows(reader, model="taskerror")
    for address in (
        "task/",
        "task/a-1/change/",
        "task/a-1/history/",
        "taskerror/",
        f"taskerror/{error}/change/",
    ):
        page = reader.get(f"{ADMIN}/{address}").content.decode()
        assert "secret" not in page
    assert "view_task_arguments" in reader.get(f"{ADMIN}/task/a-1/change/").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "args__contains=secret",
        "search__contains=secret",
        "events__gt=a",
        "exception__startswith=V",
        "result=result-secret",
        "id__exact=a-1",
    ],
)
def test_hidden_texts_cannot_be_found_out_guess_by_guess(reader: Client, query: str) -> None:
    a_secret_task()
    assert reader.get(f"{ADMIN}/task/?{query}").status_code == 400


def test_what_arrived_damaged_takes_the_right_to_arguments() -> None:
    event = BadEvent.objects.create(arrived_at=T0, reason="no uuid", body="body-secret")
    address = f"{ADMIN}/badevent/{event.pk}/change/"
    reader = signed_in(person("r", "view_badevent", staff=True))
    assert "body-secret" not in reader.get(address).content.decode()
    both = signed_in(person("b", "view_badevent", "view_task_arguments", staff=True))
    assert "body-secret" in both.get(address).content.decode()


# Finding


def test_an_id_is_found_exactly(root: Client) -> None:
    a_task("a-1")
    a_task("a-11")
    assert rows(root, "q=a-1") == ["a-1"]


def test_part_of_a_name_finds_its_tasks(root: Client) -> None:
    a_task("a-1", name="shop.pay")
    a_task("a-2", name="mail.send")
    for name in ("shop.pay", "mail.send"):
        count(name)
    assert rows(root, "q=PAY") == ["a-1"]
    assert rows(root, "q=") == ["a-2", "a-1"]
    assert rows(root, "q=nothing") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=failed", ["a-2"]),
        ("state=REJECTED", ["a-2"]),
        ("state=running", ["a-3"]),
        ("name=shop.pay", ["a-1"]),
        ("worker=w1@host", ["a-1"]),
        ("queue=slow", ["a-2"]),
        ("after=1d", ["a-3"]),
        ("state=failed&queue=celery", []),
    ],
)
def test_filters(root: Client, query: str, expected: list[str]) -> None:
    a_task("a-1", worker="w1@host", queue="celery")
    a_task("a-2", name="mail.send", state="REJECTED", queue="slow")
    a_task("a-3", name="mail.send", state="PROGRESS", time=timezone.now())
    a_worker("w1@host")
    for name in ("shop.pay", "mail.send"):
        count(name)
    for queue in ("celery", "slow"):
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        TaskStats.objects.create(period="d", grain="q", start=today, label=queue)
    assert rows(root, query) == expected


def test_choices_are_what_was_seen(root: Client) -> None:
    a_worker("w1@host")
    count("shop.pay")
    TaskStats.objects.create(period="d", grain="q", start=timezone.now(), label="slow")
    page = root.get(f"{ADMIN}/task/").content.decode()
    for choice in (
        "?state=failed",
        "?name=shop.pay",
        "?worker=w1%40host",
        "?queue=slow",
        "?after=1h",
    ):
        assert choice in page


@pytest.mark.parametrize("query", ["after=yesterday", "state=a%00b"])
def test_an_address_that_cannot_be_understood_is_no_server_error(root: Client, query: str) -> None:
    a_task("a-1")
    count("shop.pay")
    assert root.get(f"{ADMIN}/task/?{query}").status_code == 302


@pytest.mark.parametrize("term", ["fingerprint-1", "a-1"])
def test_errors_are_found_by_task_and_by_fingerprint(root: Client, term: str) -> None:
    found = an_error("a-1", fingerprint="fingerprint-1")
    an_error("a-2")
    assert rows(root, f"q={term}", model="taskerror") == [str(found.pk)]


def test_a_worker_shows_its_health(root: Client) -> None:
    a_collector()
    a_worker("w1@host")
    assert "online" in root.get(f"{ADMIN}/worker/").content.decode()


def test_a_collector_shows_whether_it_listens(root: Client) -> None:
    a_collector()
    assert "icon-yes" in root.get(f"{ADMIN}/collectorrun/").content.decode()


# Big tables


def test_no_list_counts_a_whole_table(root: Client) -> None:
    a_task("a-1")
    an_error("a-1")
    count("shop.pay")
    queries = ("", "q=shop", "state=failed", "_facets=True", "all=1", "o=1.2.3.4.5.6")
    with CaptureQueriesContext(connection) as asked:
        for query in queries:
            root.get(f"{ADMIN}/task/?{query}")
            root.get(f"{ADMIN}/taskerror/?{query.replace('state=failed', 'after=1d')}")
    counts = [each["sql"] for each in asked if "COUNT(" in each["sql"].upper()]
    assert len(counts) == 2 * len(queries)
    assert all(re.search(r"LIMIT 1000\)", sql) for sql in counts)


def test_lists_are_in_the_order_of_an_index_whatever_is_clicked(root: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        for number in range(1, 7):
            root.get(f"{ADMIN}/task/?o={number}")
            root.get(f"{ADMIN}/taskerror/?o={number}")
    lists = [each["sql"] for each in asked if " ORDER BY " in each["sql"]]
    found = [re.search(r'FROM "(\w+)".* ORDER BY ([^)]*?)(?: LIMIT.*)?$', sql) for sql in lists]
    tables = ("django_celery_monitor_task", "django_celery_monitor_taskerror")
    orders = {each[2] for each in found if each and each[1] in tables}
    columns = {column.split(".")[-1].split()[0] for order in orders for column in order.split(", ")}
    assert columns == {'"time"', '"id"'}


def test_a_list_does_not_load_what_it_does_not_show(root: Client) -> None:
    a_secret_task()
    with CaptureQueriesContext(connection) as asked:
        root.get(f"{ADMIN}/task/")
        root.get(f"{ADMIN}/taskerror/")
    loaded = " ".join(each["sql"] for each in asked)
    for column in ("args", "kwargs", "result", "exception", "search", "traceback", "message"):
        assert f'"{column}"' not in loaded.replace('"django_session"', ""), column


def test_counting_stops_at_a_thousand() -> None:
    Task.objects.bulk_create(
        Task(id=f"a-{number}", state="SUCCESS", known_by="worker", time=T0, updated_at=T0)
        for number in range(CappedPaginator.most + 5)
    )
    assert CappedPaginator(Task.objects.order_by("-time"), 50).count == CappedPaginator.most


# Showing


@pytest.mark.parametrize("task_id", ["a/b", "žluť ☃", "<b>", "a_2Fb", '"&'])
def test_any_id_leads_to_its_page_and_to_ours(root: Client, task_id: str) -> None:
    a_task(task_id)
    page = root.get(f"{ADMIN}/task/{url_quote(quote(task_id))}/change/")
    assert page.status_code == 200
    assert page.context["original"].pk == task_id
    ours = reverse("celery_monitor:task", args=[task_id])
    assert root.get(ours).status_code == 200
    assert escape(ours) in page.content.decode()


def test_hostile_texts_are_only_shown(root: Client) -> None:
    evil = "<script>alert(1)</script>"
    a_task(
        "a-1", name=evil, state="FAILURE", args=evil, exception=evil, parent_id=evil, worker=evil
    )
    an_error("a-1", type=evil, message=evil, traceback=evil)
    a_worker(evil)
    BadEvent.objects.create(arrived_at=T0, reason=evil, body=evil)
    count(evil)
    for model in MODELS:
        listed = root.get(f"{ADMIN}/{model}/")
        assert evil not in listed.content.decode()
        for row in listed.context["cl"].result_list:
            page = root.get(f"{ADMIN}/{model}/{url_quote(quote(str(row.pk)))}/change/")
            assert evil not in page.content.decode()


def test_relatives_are_links_to_our_pages(root: Client) -> None:
    a_task("a-1", root_id="a-0", parent_id="a-0")
    assert (
        '<a href="/monitor/tasks/a-0/">a-0</a>'
        in root.get(f"{ADMIN}/task/a-1/change/").content.decode()
    )


def test_without_our_pages_the_admin_still_works(root: Client, settings: Settings) -> None:
    a_task("a-1", root_id="a-0")
    settings.ROOT_URLCONF = NoMonitor
    page = root.get(f"{ADMIN}/task/a-1/change/")
    assert page.status_code == 200
    assert page.context["has_absolute_url"] is False


def test_a_task_from_before_its_errors_were_pruned(root: Client) -> None:
    a_task("a-1", state="FAILURE", exception="ValueError()", time=T0 - timedelta(days=9))
    assert root.get(f"{ADMIN}/task/a-1/change/").status_code == 200
