"""Acting from pages: forms, rights, mistakes, brokers that are away, what is told afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.access.acts import ACTS as RIGHTS
from django_celery_monitor.control import perform as door
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.way import Way
from django_celery_monitor.models import ControlAction, Inspection
from django_celery_monitor.views import acted
from tests.integration.acting import _no_thread_is_left
from tests.integration.collecting import app_on
from tests.integration.kept import a_collector, a_task, a_worker
from tests.integration.people import person, signed_in
from tests.integration.walking import ours

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

SCRIPTS = {"X-Requested-With": "monitor"}
# What sends a task has forms of its own, and tests of its own.
PUBLISHING = {"retry", "send"}
FORMS = [act for act in ACTS.values() if act.name not in PUBLISHING]
# Enough for each act to be sent; the names exist.
GIVEN: dict[str, dict[str, Any]] = {
    "ids": {"ids": ["a-1"]},
    "workers": {"workers": ["w1@host"]},
    "task": {"task": "shop.pay"},
    "queue": {"queue": "mail"},
    "rate": {"rate": "5/m"},
    "max": {"max": "4"},
    "min": {"min": "1"},
    "headers": {"headers": "customer=7"},
}


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """Of a broker in memory, on which nobody answers."""
    found = app_on("memory://")
    monkeypatch.setattr(door, "find_app", lambda: found)
    monkeypatch.setattr(Way.send, "__defaults__", (0.2,))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def rows(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"CONTROL_TIMEOUT": 1.0}
    a_collector()
    a_task("a-1", name="shop.pay", queue="mail", time=timezone.now(), state="STARTED")
    a_worker("w1@host")


def root() -> Client:
    return signed_in(User.objects.create_superuser("root"))


def form(act: str, **given: Any) -> str:
    url = reverse("celery_monitor:act", args=[act])
    return f"{url}?{urlencode(given, doseq=True)}" if given else url


def text(response: Any) -> str:
    return str(response.content.decode())


def sample(act: Act) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for each in act.parameters:
        data |= GIVEN.get(each.name, {})
    return data


def posted(client: Client, act: str, data: dict[str, Any]) -> Any:
    typed = data.get(ACTS[act].typed) if ACTS[act].typed else ""
    data = {**data, "typed": typed[0] if isinstance(typed, list) else typed}
    return client.post(form(act), data)


def test_all_that_may_be_posted_is_an_act_or_is_known() -> None:
    """Who adds an address that changes something says here what it leaves in the audit."""
    client = root()
    taken = set()
    for name, needs in ours().items():
        if ":api:" in name:
            continue
        values = {
            "act_name": "revoke",
            "name": "mail",
            "task_id": "a-1",
            "hostname": "w1@host",
            "action_id": 1,
            "key": UUID(int=7),
        }
        given = {each: values[each] for each in needs}
        if client.post(reverse(name, kwargs=given)).status_code not in (404, 405, 426):
            taken.add(name)
    # An operation leaves one entry when it begins; here there is none. Views are a person's own;
    # asking for news changes nothing. Pages that send tasks leave one, too.
    known = {"act", "save_view", "delete_view", "inspect", "retry", "send"}
    assert taken <= {f"celery_monitor:{name}" for name in known}


@pytest.mark.parametrize("act", FORMS)
def test_each_act_that_is_posted_leaves_exactly_one_entry(act: Act) -> None:
    client = root()
    response = posted(client, act.name, {**sample(act), "reason": "because"})
    if act.name == "abort":
        # No type of this project can be aborted, so nothing was sent.
        assert response.status_code == 400
        assert not ControlAction.objects.exists()
        return
    # One waits for as long as there is time.
    answers = {503, 302} if act.name == "objgraph" else {302} if act.changes else {200}
    assert response.status_code in answers, text(response)
    entry = ControlAction.objects.get()
    assert (entry.act, entry.user_name, entry.source) == (act.name, "root", "page")
    assert entry.reason == ("because" if act.changes else entry.reason)


@pytest.mark.parametrize("act", FORMS, ids=lambda act: act.name)
def test_each_form_is_shown_and_leaves_nothing(act: Act) -> None:
    page = text(root().get(form(act.name)))
    assert 'name="csrfmiddlewaretoken"' in page
    assert ("will not survive a restart" in page) == bool(act.lasting)
    assert not ControlAction.objects.exists()


@pytest.mark.parametrize("act", sorted(PUBLISHING))
def test_there_is_one_way_to_send_a_task(act: str) -> None:
    assert root().get(form(act)).status_code == 404


def test_each_form_takes_the_right_of_its_act() -> None:
    everything = [right.codename for right in RIGHTS]
    for codename in {act.codename for act in FORMS}:
        one = signed_in(person(f"only-{codename}", codename))
        others = [right for right in everything if right != codename]
        rest = signed_in(person(f"not-{codename}", *others))
        for act in (each for each in FORMS if each.codename == codename):
            assert one.get(form(act.name)).status_code == 200
            assert rest.get(form(act.name)).status_code == 403
            assert rest.post(form(act.name)).status_code == 403


def test_without_a_token_nothing_is_done() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(form("revoke", ids="a-1")).status_code == 403
    assert not ControlAction.objects.exists()


def test_a_mistake_is_told_at_its_field_and_what_was_typed_stays() -> None:
    url = form("rate_limit", task="shop.pay", workers="w1@host")
    response = root().post(url, {"rate": "fast", "reason": "the host is slow"})
    page = text(response)
    assert response.status_code == 400
    assert re.search(r'name="rate"[^>]*value="fast"[^>]*aria-invalid="true"', page)
    assert "must look like 5/s" in page
    assert 'value="the host is slow"' in page
    assert not ControlAction.objects.exists()


@pytest.mark.parametrize(
    ("act", "given", "name"),
    [("purge", {"queue": "mail"}, "mail"), ("shutdown", {"workers": "w1@host"}, "w1@host")],
)
def test_what_cannot_be_undone_needs_the_name_typed(
    act: str, given: dict[str, str], name: str
) -> None:
    client = root()
    for typed in ("", "other"):
        response = client.post(form(act, **given), {"typed": typed})
        assert response.status_code == 400
        assert f"Type {name} to confirm." in text(response)
    assert not ControlAction.objects.exists()
    assert client.post(form(act, **given), {"typed": name}).status_code == 302


def test_several_are_confirmed_by_their_number() -> None:
    a_worker("w2@host")
    given = {"workers": ["w1@host", "w2@host"]}
    assert root().post(form("shutdown", **given), {"typed": "w1@host"}).status_code == 400
    client = signed_in(User.objects.create_superuser("toor"))
    assert client.post(form("shutdown", **given), {"typed": "2"}).status_code == 302


def test_nobody_can_do_what_has_no_name() -> None:
    assert root().get(form("explode")).status_code == 404


def test_an_unknown_target_is_told_on_the_form() -> None:
    response = root().post(form("revoke", ids="gone"), {"reason": "typing error"})
    assert response.status_code == 404
    assert "No such task is kept: gone." in text(response)
    assert 'value="typing error"' in text(response)


def test_a_broker_that_is_away_is_503_and_loses_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "find_app", lambda: app_on("redis://127.0.0.1:1/0"))
    url = form("revoke", ids="a-1")
    response = root().post(url, {"reason": "double charge"}, headers=SCRIPTS)
    assert response.status_code == 503
    assert 'value="double charge"' in text(response)
    assert ControlAction.objects.get().outcome == "failed"


def test_what_cannot_be_recorded_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(ControlAction, "save", full)
    response = root().post(form("revoke", ids="a-1"), {"reason": "double charge"})
    assert response.status_code == 503
    assert "could not be recorded" in text(response)


def test_one_comes_back_and_is_told_once() -> None:
    client, task = root(), reverse("celery_monitor:task", args=["a-1"])
    response = client.post(form("revoke", ids="a-1", next=task), {"reason": "double charge"})
    assert (response.status_code, response.headers["Location"]) == (302, task)
    page = text(client.get(task))
    assert "nobody answered" in page
    assert "w1@host" in page.partition('id="toasts"')[2]
    again = text(client.get(task)).partition('id="toasts"')[2]
    assert "nobody answered" not in again


def test_scripts_are_told_where_to_go() -> None:
    task = reverse("celery_monitor:task", args=["a-1"])
    response = root().post(form("revoke", ids="a-1", next=task), headers=SCRIPTS)
    assert response.json() == {"url": task}


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(url: str) -> None:
    client = root()
    response = client.post(form("revoke", ids="a-1", next=url))
    entry = ControlAction.objects.get()
    expected = reverse("celery_monitor:audit_entry", args=[entry.pk])
    assert response.headers["Location"] == expected
    assert "evil.example" not in text(client.get(form("revoke", ids="a-1", next=url))).replace(
        urlencode({"next": url}).replace("&", "&amp;"), ""
    )


def test_nobody_is_told_of_acts_of_others() -> None:
    root().post(form("revoke", ids="a-1"))
    client = signed_in(User.objects.create_superuser("toor"))
    client.cookies[acted.COOKIE] = str(ControlAction.objects.get().pk)
    page = text(client.get(reverse("celery_monitor:tasks")))
    assert "data-told" not in page


def test_greyed_controls_say_who_may() -> None:
    client = signed_in(person("viewer", "view_task", "view_worker"))
    for url in (
        reverse("celery_monitor:task", args=["a-1"]),
        reverse("celery_monitor:worker", args=["w1@host"]),
        reverse("celery_monitor:queue", args=["mail"]),
    ):
        page = text(client.get(url))
        links = set(re.findall(r"/acts/(\w+)/", page))
        # Whoever sees workers may ask these.
        assert links <= {"ping", "clock"}
        assert "superusers do" in page


def test_read_only_greys_everything(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"READ_ONLY": True}
    page = text(root().get(reverse("celery_monitor:task", args=["a-1"])))
    assert "/acts/" not in page
    assert "This monitor is set to read-only" in page


@pytest.mark.parametrize("pool", ["solo", "thread"])
def test_pools_that_cannot_do_it_are_greyed_with_the_reason(pool: str) -> None:
    Inspection.objects.create(pk="w1@host", pool=pool)
    page = text(root().get(reverse("celery_monitor:worker", args=["w1@host"])))
    name = {"thread": "threads"}.get(pool, pool)
    assert f"Its pool {name} cannot do this" in page
    assert "acts/pool_grow/" not in page
    assert "acts/rate_limit/" in page


def test_what_would_not_look_cannot_be_aborted() -> None:
    page = text(root().get(reverse("celery_monitor:task", args=["a-1"])))
    assert "It is no AbortableTask" in page
    assert "acts/abort/" not in page


@pytest.mark.parametrize(
    ("state", "act"),
    [("RECEIVED", "/acts/revoke/"), ("FAILURE", "/retry/"), ("LOST", "/retry/"), ("SUCCESS", "")],
)
def test_a_row_of_the_list_offers_what_one_mostly_wants(state: str, act: str) -> None:
    a_task("row-1", name="shop.pay", time=timezone.now(), state=state)
    page = text(root().get(f"{reverse('celery_monitor:tasks')}?id=row-1"))
    cell = page.partition('class="row-acts">')[2].partition("</td>")[0]
    assert act in cell
    # Else it would take a line on phones.
    assert bool(cell) == bool(act)


def test_what_has_ended_cannot_be_revoked() -> None:
    a_task("b-1", name="shop.pay", time=timezone.now(), state="SUCCESS")
    page = text(root().get(reverse("celery_monitor:task", args=["b-1"])))
    assert "It has ended." in page
    assert "acts/revoke/" not in page


@pytest.mark.parametrize(
    ("name", "args", "act", "given"),
    [
        ("task", ["a-1"], "revoke", {"ids": "a-1"}),
        ("worker", ["w1@host"], "heartbeat", {"workers": "w1@host"}),
        ("queue", ["mail"], "purge", {"queue": "mail"}),
    ],
)
def test_pages_show_what_was_done_to_them(
    name: str, args: list[str], act: str, given: dict[str, str]
) -> None:
    client = signed_in(User.objects.create_superuser("ana"))
    data = {"reason": "<double> charge", "typed": "mail"}
    assert client.post(form(act, **given), data).status_code == 302
    page = text(client.get(reverse(f"celery_monitor:{name}", args=args)))
    part = page.partition('id="entries-title"')[2]
    assert "by <b>ana</b>" in part
    assert "&lt;double&gt; charge" in part
    without = signed_in(person("viewer", "view_task", "view_worker"))
    hidden = text(without.get(reverse(f"celery_monitor:{name}", args=args)))
    assert "double" not in hidden
