"""Every address, socket message and admin page that the app has, asked for by everybody.

What is not declared here fails here: nothing is open because nobody thought of it.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.access import policy
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.live import messages
from django_celery_monitor.live.messages import Change, changed
from django_celery_monitor.live.rights import rights_of
from django_celery_monitor.models import ControlAction, Inspection
from tests.integration.sockets import in_loop, opened, socket
from tests.integration.walking import (
    EVERYBODY,
    RIGHTS,
    admin_address,
    admin_models,
    ask,
    client_of,
    may,
    ours,
    rows,
)

pytestmark = pytest.mark.django_db

SIGN_IN, UNKNOWN, FORBIDDEN, SHOWN, NOT_SO, MISSING = 302, 401, 403, 200, 405, 404
TASK, WORKER = "view_task", "view_worker"


@dataclass(frozen=True)
class Door:
    """``opens``: the rights of which any lets through, to ``inside``; others get ``closed``.

    ``changes``: with ``READ_ONLY`` it is closed to all.
    """

    opens: tuple[str, ...]
    inside: int = SHOWN
    stranger: int = SIGN_IN
    closed: int = FORBIDDEN
    changes: bool = False
    # What a superuser gets to see of what another person began.
    root: int | None = None

    def expected(self, who: str, read_only: bool) -> int:
        if who == "stranger":
            return self.stranger
        if not may(who, self.opens):
            return self.closed
        if self.root is not None and EVERYBODY[who] is not None:
            return self.inside
        inside = self.inside if self.root is None else self.root
        return FORBIDDEN if self.changes and read_only else inside


@dataclass(frozen=True)
class Address:
    """What reading and what posting answers."""

    get: Door
    post: Door


def same(status: int) -> Door:
    """To everybody, whoever it is."""
    return Door((), inside=status, stranger=status, closed=status)


def page(*opens: str) -> Address:
    return Address(Door(opens), same(NOT_SO))


def api(*opens: str) -> Address:
    return Address(Door(opens, stranger=UNKNOWN), same(NOT_SO))


def nothing(status: int) -> Address:
    return Address(same(status), same(status))


def keeping(inside: int) -> Address:
    """Changes what is one's own: it takes no right but to be in."""
    return Address(Door((TASK,), NOT_SO), Door((TASK,), inside, changes=True))


def acting(act: Act) -> Address:
    changes = act.codename not in policy.LOOKING
    return Address(same(NOT_SO), Door((act.codename,), 400, stranger=UNKNOWN, changes=changes))


def changing_operation(stranger: int, done: int) -> Address:
    """Of another person: there only for who may see the audit, and changed with its own right."""
    return Address(same(NOT_SO), Door((TASK,), MISSING, stranger, changes=True, root=done))


def operation(stranger: int) -> Address:
    return Address(Door((TASK,), MISSING, stranger, root=SHOWN), same(NOT_SO))


# Without content there is nothing to begin, whoever asks.
OPERATIONS: Final = Address(Door((TASK,), stranger=UNKNOWN), Door((TASK,), 400, stranger=UNKNOWN))
ADDRESSES: Final[dict[str, Address]] = {
    "celery_monitor:overview": page(TASK),
    "celery_monitor:tasks": page(TASK),
    "celery_monitor:task": page(TASK),
    # What cannot be run again is said; a form that is not said to be sent is only looked at.
    "celery_monitor:retry": Address(
        Door(("retry_task",), changes=True), Door(("retry_task",), 400, changes=True)
    ),
    "celery_monitor:send": Address(
        Door(("send_task",), changes=True), Door(("send_task",), changes=True)
    ),
    "celery_monitor:types": page(TASK),
    "celery_monitor:type": page(TASK),
    "celery_monitor:failures": page(TASK),
    "celery_monitor:queues": page(TASK),
    "celery_monitor:queue": page(TASK),
    "celery_monitor:workers": page(WORKER),
    "celery_monitor:worker": page(WORKER),
    "celery_monitor:series": page(TASK),
    # Only with DEBUG.
    "celery_monitor:styleguide": nothing(404),
    # Looks, though it is posted.
    "celery_monitor:inspect": Address(same(NOT_SO), Door((WORKER,), inside=302)),
    "celery_monitor:views": page(TASK),
    "celery_monitor:view_counts": Address(Door((TASK,)), Door((TASK,), NOT_SO)),
    # The posts have no content, so who is in is told what is missing.
    "celery_monitor:save_view": keeping(400),
    "celery_monitor:delete_view": keeping(404),
    "celery_monitor:complete": Address(Door((TASK,)), Door((TASK,), NOT_SO)),
    "celery_monitor:export": Address(Door((TASK,)), Door((TASK,), NOT_SO)),
    "celery_monitor:operations": page(TASK),
    "celery_monitor:operation": operation(SIGN_IN),
    # Without an act there is nothing to ask.
    "celery_monitor:new_operation": Address(Door((TASK,), MISSING), Door((TASK,), MISSING)),
    "celery_monitor:stop_operation": Address(
        Door((TASK,), NOT_SO), changing_operation(SIGN_IN, 302).post
    ),
    "celery_monitor:resume_operation": Address(
        Door((TASK,), NOT_SO), changing_operation(SIGN_IN, 302).post
    ),
    # Of one act here; each takes its own right, see the tests of the pages of acts.
    "celery_monitor:act": Address(
        Door((policy.REVOKE_TASK,), changes=True), Door((policy.REVOKE_TASK,), 400, changes=True)
    ),
    "celery_monitor:audit": page(policy.VIEW_ACTION),
    "celery_monitor:audit_entry": page(policy.VIEW_ACTION),
    "celery_monitor:audit_export": Address(
        Door((policy.VIEW_ACTION,)), Door((policy.VIEW_ACTION,), NOT_SO)
    ),
    # Says the same to everybody, and nothing of what is kept.
    "celery_monitor:live": nothing(426),
    "celery_monitor:api:list_tasks": api(TASK),
    "celery_monitor:api:get_task": api(TASK),
    "celery_monitor:api:list_workers": api(WORKER),
    "celery_monitor:api:get_worker": api(WORKER),
    "celery_monitor:api:get_overview": api(TASK),
    "celery_monitor:api:list_actions": api(policy.VIEW_ACTION),
    "celery_monitor:api:get_action": api(policy.VIEW_ACTION),
    # The posts have no content.
    **{f"celery_monitor:api:do_{act.name}": acting(act) for act in ACTS.values()},
    # One address.
    "celery_monitor:api:list_operations": OPERATIONS,
    "celery_monitor:api:begin_operation": OPERATIONS,
    "celery_monitor:api:get_operation": operation(UNKNOWN),
    "celery_monitor:api:stop_operation": changing_operation(UNKNOWN, SHOWN),
    "celery_monitor:api:resume_operation": changing_operation(UNKNOWN, SHOWN),
    "celery_monitor:api:openapi-json": api(TASK, WORKER),
    "celery_monitor:api:api-root": nothing(404),
}
# By model, the right that opens its pages to staff.
ADMIN: Final = {
    "task": TASK,
    "taskerror": TASK,
    "worker": WORKER,
    "collectorrun": "view_collectorrun",
    "gap": "view_collectorrun",
    "badevent": "view_badevent",
    "controlaction": policy.VIEW_ACTION,
}
# What browsers hear, and what may be in it: nothing, ids, or our own words.
MESSAGES: Final = {"hello", "pong", "subscribed", "error", "changed"}
everybody = pytest.mark.parametrize("who", EVERYBODY)


@pytest.fixture(autouse=True)
def something(db: None) -> None:
    rows()


def test_every_address_is_declared() -> None:
    assert set(ours()) == set(ADDRESSES)


def test_every_act_has_its_permission() -> None:
    known = set(
        Permission.objects.filter(content_type__app_label="django_celery_monitor").values_list(
            "codename", flat=True
        )
    )
    assert set(RIGHTS) <= known


@pytest.mark.parametrize("read_only", [False, True], ids=["", "read-only"])
@everybody
def test_everybody_gets_the_answers_that_are_meant_for_them(
    who: str, read_only: bool, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": read_only}
    client = client_of(who)
    wrong = {}
    for name, declared in ADDRESSES.items():
        for method, door in (("get", declared.get), ("post", declared.post)):
            answer = ask(client, name, method)
            if answer.status_code != door.expected(who, read_only):
                wrong[name, method] = answer.status_code
            if answer.status_code == SIGN_IN and who == "stranger":
                assert answer["Location"].startswith("/admin/login/?next=/monitor/")
    assert wrong == {}


def test_asking_a_worker_takes_the_right_to_see_it() -> None:
    for who in EVERYBODY:
        Inspection.objects.all().delete()
        ask(client_of(who), "celery_monitor:inspect", "post")
        assert Inspection.objects.exists() == may(who, (WORKER,)), who


@pytest.mark.parametrize("who", ["stranger", "superuser"])
def test_nothing_is_changed_by_other_methods(who: str) -> None:
    client, before = client_of(who), kept()
    for name in ADDRESSES:
        for method in ("put", "patch", "delete"):
            status = ask(client, name, method).status_code
            assert status in {302, 401, 403, 404, 405, 426}, (name, method)
    assert kept() == before


def kept() -> dict[str, int]:
    models = apps.get_app_config("django_celery_monitor").get_models()
    return {model.__name__: model._default_manager.count() for model in models}


# The admin


def test_every_model_in_the_admin_is_declared() -> None:
    assert set(admin_models()) == set(ADMIN)


@everybody
def test_staff_open_in_the_admin_what_their_right_is_for(who: str) -> None:
    client = client_of(who, staff=True)
    closed = SIGN_IN if who == "stranger" else FORBIDDEN
    for model, right in ADMIN.items():
        for name in ("changelist", "change", "history"):
            answer = client.get(admin_address(model, name))
            assert answer.status_code == (SHOWN if may(who, (right,)) else closed), (model, name)
        for name in ("add", "delete"):
            for method in (client.get, client.post):
                assert method(admin_address(model, name)).status_code == closed, (model, name)
        assert client.post(admin_address(model, "change")).status_code == closed, model


def test_who_is_no_staff_opens_nothing_in_the_admin() -> None:
    for who in ("nobody", "viewer", *RIGHTS):
        client = client_of(who)
        for model in ADMIN:
            assert client.get(admin_address(model, "changelist")).status_code == SIGN_IN


def test_every_page_of_the_admin_is_declared() -> None:
    """The others of it, which search, sort and jump, open none of our models."""
    usual = {"changelist", "add", "history", "delete", "change"}
    for model, kind in admin_models().items():
        urls = admin.site._registry[kind].get_urls()
        found = {url.name.rpartition("_")[2] for url in urls if url.name}
        assert found == usual | ({"csv"} if model == "controlaction" else set()), model


@everybody
def test_the_audit_as_a_file_of_the_admin_takes_the_right_to_it(who: str) -> None:
    closed = SIGN_IN if who == "stranger" else FORBIDDEN
    answer = client_of(who, staff=True).get(
        reverse("admin:django_celery_monitor_controlaction_csv")
    )
    assert answer.status_code == (SHOWN if may(who, (policy.VIEW_ACTION,)) else closed)


@pytest.mark.parametrize("read_only", [False, True], ids=["", "read-only"])
@everybody
def test_an_act_of_the_admin_takes_its_own_right_and_that_to_the_list(
    who: str, read_only: bool, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": read_only}
    client = client_of(who, staff=True)
    for model, right in (("task", TASK), ("worker", WORKER)):
        url = admin_address(model, "changelist")
        key = {"task": "a-1", "worker": "w1@host"}[model]
        for name in admin.site._registry[admin_models()[model]].acts:  # type: ignore[attr-defined]
            allowed = may(who, (right,)) and may(who, (ACTS[name].codename,)) and not read_only
            closed = SIGN_IN if who == "stranger" else FORBIDDEN
            answer = client.post(url, {"action": name, "_selected_action": [key]})
            assert answer.status_code == (SHOWN if allowed else closed), name
    denied = ControlAction.objects.exclude(act="ping")
    assert {each.outcome for each in denied} <= {"denied"}
    assert denied.exists() == (who != "stranger" and (read_only or EVERYBODY[who] is not None))


# The socket


def test_every_kind_of_message_is_declared() -> None:
    assert set(re.findall(r'_text\(\s*type="(\w+)"', inspect.getsource(messages))) == MESSAGES


@pytest.mark.parametrize("who", ["stranger", "nobody", "viewer", "superuser", *RIGHTS])
def test_a_socket_opens_to_who_may_see_something(who: str) -> None:
    client = client_of(who)
    if may(who, (TASK, WORKER)):
        told(client, who)
    else:
        refused(client, 4401 if who == "stranger" else 4403)


@in_loop
async def refused(client: Client, code: int) -> None:
    found = socket(client if client.cookies else None)
    assert await found.connect() == (False, code)


@in_loop
async def told(client: Client, who: str) -> None:
    private = may(who, (TASK,)) and EVERYBODY[who] is None
    async with opened(client) as found:
        for said, answer in (
            ({"type": "ping"}, "pong"),
            ({"type": "subscribe", "query": None}, "subscribed"),
            ({"type": "subscribe", "query": ""}, "subscribed" if may(who, (TASK,)) else "error"),
            ({"type": "subscribe", "query": "q=eagle"}, "subscribed" if private else "error"),
        ):
            await found.send_json_to(said)
            heard = await found.receive_json_from()
            assert heard["type"] == answer, said
            assert "a-1" not in json.dumps(heard)


@pytest.mark.parametrize("who", [who for who in EVERYBODY if who != "stranger"])
def test_a_change_names_only_what_the_reader_may_see(who: str) -> None:
    client = client_of(who)
    name = django_settings.SESSION_COOKIE_NAME
    rights = rights_of({name: client.cookies[name].value})
    change = Change.of(7, ["a-1"], ["w1@host"])
    said: Any = json.loads(changed(change, rights) or "{}")
    assert said.get("tasks", []) == (["a-1"] if may(who, (TASK,)) else [])
    assert said.get("workers", []) == (["w1@host"] if may(who, (WORKER,)) else [])
