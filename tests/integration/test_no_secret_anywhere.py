"""What is promised to be masked is in no column, no answer, no log and no message.

Secrets are planted in every place that the promise names (docs/how-to/redaction.md).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from pytest_django import Settings

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control import audit
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.models import ControlAction, Task
from tests.integration.made import HOST, a_collector, root_client
from tests.integration.planting import (
    CORE,
    LOGIN,
    SECRETS,
    app,
    few,
    in_tables,
    leaks,
    redaction,
    secrets,
    store,
)
from tests.integration.walking import admin_models, ours

pytestmark = pytest.mark.django_db

__all__ = ["app", "redaction"]


def addresses(uuid: str) -> Iterator[str]:
    mine = {"task_id": uuid, "hostname": HOST, "name": LOGIN}
    skipped = {"api-root", "styleguide", "live", "inspect", "save_view", "delete_view"}
    for name, needs in ours().items():
        if name.rpartition(":")[2] not in skipped and set(needs) <= set(mine):
            yield reverse(name, kwargs={key: mine[key] for key in needs})
    worker = reverse("celery_monitor:worker", args=[HOST])
    for tab in ("pool", "queues", "tasks", "registered", "configuration", "statistics"):
        yield f"{worker}?tab={tab}"
    yield reverse("celery_monitor:task", args=[f"{uuid}-x"])
    for form in ("csv", "json"):
        yield reverse("celery_monitor:export") + f"?format={form}"
    yield reverse("celery_monitor:send") + f"?rerun_of={uuid}"
    yield reverse("celery_monitor:act", args=["revoke"]) + f"?ids={uuid}"
    yield reverse("celery_monitor:new_operation") + f"?act=retry&id={uuid}"
    entry = ControlAction.objects.latest("pk").pk
    for name in ("audit_entry", "api:get_action"):
        yield reverse(f"celery_monitor:{name}", args=[entry])
    yield reverse("admin:django_celery_monitor_controlaction_csv")
    for word in ("args:", "kwargs:", "kwargs.", "kwargs.note:", "args.0:", "error:", "result:"):
        yield reverse("celery_monitor:complete") + f"?word={word}&q={word}"
    for model, kind in admin_models().items():
        yield reverse(f"admin:django_celery_monitor_{model}_changelist")
        if (row := kind._default_manager.first()) is not None:
            yield reverse(f"admin:django_celery_monitor_{model}_change", args=[row.pk])


def in_answers(client: Client, uuid: str) -> dict[str, set[str]]:
    found = {}
    for url in addresses(uuid):
        answer: Any = client.get(url)
        assert answer.status_code < 500, url
        if leaks(text := b"".join(answer).decode()):
            found[url] = {text[max(text.index(each) - 60, 0) :][:120] for each in leaks(text)}
    return found


@pytest.mark.usefixtures("app")
@few(8)
@given(secret=secrets)
def test_no_secret_is_in_any_column(secret: str) -> None:
    store(secret)
    assert in_tables() == {}


@pytest.mark.usefixtures("app")
@few(2)
@given(secret=secrets)
def test_no_secret_is_in_any_answer(secret: str) -> None:
    a_collector()
    uuid = store(secret)
    assert in_answers(root_client(), uuid) == {}


def test_a_secret_in_an_address_is_masked_though_its_sign_is_written_otherwise() -> None:
    masks = redactor(find_app())
    kept = audit._filter("q=token%3Dhunter2&state=failed", masks)
    assert "hunter2" not in kept
    assert kept.endswith("&state=failed")
    assert audit._filter("q=a%20b&name=", masks) == "q=a%20b&name="


@pytest.mark.usefixtures("app")
def test_no_secret_is_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        uuid = store(CORE)
        in_answers(root_client(), uuid)
    ours_ = [each for each in caplog.records if each.name.startswith("django_celery_monitor")]
    assert ours_
    assert not leaks("\n".join(f"{each.getMessage()} {each.__dict__}" for each in ours_))


@pytest.mark.usefixtures("app")
def test_what_is_no_secret_is_still_there() -> None:
    task = Task.objects.get(pk=store(CORE))
    assert "bob" in task.args
    assert "note" in task.kwargs
    assert "[iban]" in task.kwargs


@pytest.mark.usefixtures("app")
def test_without_redaction_all_of_it_is_found(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"APP": settings.CELERY_MONITOR["APP"], "REDACT_KEYS": ["no key"]}
    uuid = store(CORE)
    tables = in_tables()
    assert set(tables) == {"Task", "TaskError", "BadEvent", "WorkerReply", "ControlAction"}
    assert set.union(*tables.values()) == set(SECRETS)
    # The walk looks where something is.
    assert len(in_answers(root_client(), uuid)) > 15
