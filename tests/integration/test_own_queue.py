"""People who see only their queue: the same answer at every door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.access.acts import ACTS
from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.filters import And
from django_celery_monitor.models import (
    BadEvent,
    Task,
    TaskCount,
    TaskError,
    TaskStats,
    WorkerReply,
)
from django_celery_monitor.reading.counts import CAP, facets, kept
from tests.integration.made import (
    a_collector,
    a_worker,
    client_of,
    event,
    failed,
    now,
    received,
    sent,
    store,
    superuser,
)
from tests.integration.sockets import in_loop, opened
from tests.integration.told import answered, replies
from tests.integration.walking import admin_models, ours
from tests.project.own_queue import QUEUE, WORKER

pytestmark = pytest.mark.django_db

RIGHTS = tuple(act.codename for act in ACTS)
DEFAULT = "django_celery_monitor.access.policy.AccessPolicy"
# In everything that belongs to the others: names, queues, workers, ids, texts.
MARK = "vault"
HIDDEN = {"task_id": "vault-1", "hostname": "celery@vault-1", "name": "vault.audit"}
MINE = {"task_id": "mine-1", "hostname": WORKER, "name": "mail.send", "act_name": "revoke"}


@pytest.fixture(autouse=True)
def own_queue(settings: Settings) -> None:
    policy(settings, "OwnQueue")


def policy(settings: Settings, name: str) -> None:
    path = f"tests.project.own_queue.{name}"
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": path}


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    a_collector()
    for own, host in ((MINE, WORKER), (HIDDEN, HIDDEN["hostname"])):
        word = own["name"].partition(".")[0]
        a_worker(host)
        answered(host, raw=replies(word, own["task_id"], own["name"]))
        a_run(own["task_id"], own["name"], host, word)
        BadEvent.objects.create(arrived_at=Task.objects.get(pk=own["task_id"]).time, reason=word)


def a_run(uuid: str, name: str, host: str, word: str) -> None:
    """Failed; its family are tasks of the other queue too."""
    at, queue = now() - 60, word
    texts: dict[str, Any] = {"args": f"('{word}',)", "kwargs": f"{{'{word}': 1}}"}
    # Both have the same root, which is the others'.
    kin: dict[str, Any] = {"root_id": "vault-root", "parent_id": "vault-root"}
    store(
        sent(uuid, at, name, queue=queue, **texts, **kin),
        received(uuid, at + 0.1, name, host=host, **texts, **kin),
        event("started", uuid, at + 0.2, host=host),
        failed(uuid, at + 1, host=host, exception=f"{word.title()}Error('{word}')"),
        sent(f"{word}-kin", at, name, queue=queue, **texts, **kin),
        sent("vault-root", at, "vault.root", queue="vault"),
    )


def texts(client: Client, url: str) -> str:
    answer: Any = client.get(url)
    assert answer.status_code == 200, url
    return b"".join(answer).decode()


def addresses() -> Iterator[str]:
    """Every page, and what its parameters show."""
    # Of acts and operations people of some tasks see their own only: not of these rows.
    skipped = {"api-root", "styleguide", "live", "inspect", "save_view", "delete_view"}
    skipped |= {"audit_entry", "get_action", "operation", "get_operation", "new_operation"}
    skipped |= {"stop_operation", "resume_operation"}
    for name, needs in ours().items():
        last = name.rpartition(":")[2]
        # An act by REST has nothing to read.
        if last not in skipped and not last.startswith("do_"):
            arguments = {key: MINE[key] for key in needs}
            if name == "celery_monitor:queue":
                arguments = {"name": QUEUE}
            yield reverse(name, kwargs=arguments)
    worker = reverse("celery_monitor:worker", args=[WORKER])
    for tab in ("pool", "queues", "tasks", "registered", "configuration", "statistics"):
        yield f"{worker}?tab={tab}"
    for word in ("", "task:", "task:v", "queue:", "worker:", "state:", "error:", "v"):
        yield reverse("celery_monitor:complete") + f"?word={word}&q={word}"
    for group in ("", "name", "queue", "worker"):
        yield reverse("celery_monitor:overview") + f"?group={group}"
        for measure in ("throughput", "failures", "runtime", "wait"):
            yield reverse("celery_monitor:series") + f"?measure={measure}&group={group}"
    yield reverse("celery_monitor:export") + "?format=json"
    yield reverse("celery_monitor:failures") + "?by=error"
    for model in admin_models():
        yield reverse(f"admin:django_celery_monitor_{model}_changelist")


def test_nothing_of_the_others_is_in_any_answer() -> None:
    client = client_of(*RIGHTS, staff=True)
    found = {}
    for url in addresses():
        text = texts(client, url).lower()
        # The parent's id is part of one's own task.
        for known in ("vault-root", 'value="v"'):
            text = text.replace(known, "")
        if MARK in text:
            place = text.index(MARK)
            found[url] = text[max(place - 80, 0) : place + 80]
    assert found == {}


def test_whom_nothing_is_hidden_from_finds_it_nearly_everywhere(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": DEFAULT}
    client = client_of(*RIGHTS, staff=True)
    every = list(addresses())
    without = [url for url in every if MARK not in texts(client, url).lower()]
    assert len(without) < len(every) / 2, without
    assert "You are shown only some" not in texts(client, reverse("celery_monitor:overview"))


@pytest.mark.parametrize(
    "name",
    [
        "celery_monitor:task",
        "celery_monitor:worker",
        "celery_monitor:api:get_task",
        "celery_monitor:api:get_worker",
    ],
)
def test_what_is_hidden_is_not_found_by_its_name(name: str) -> None:
    url = reverse(name, kwargs={key: HIDDEN[key] for key in ours()[name]})
    assert client_of(*RIGHTS).get(url).status_code == 404


def test_a_hidden_worker_cannot_be_asked() -> None:
    url = reverse("celery_monitor:inspect", args=[HIDDEN["hostname"]])
    assert client_of(*RIGHTS).post(url).status_code == 404


def test_the_admin_does_not_find_what_is_hidden() -> None:
    client = client_of(*RIGHTS, staff=True)
    for model in ("task", "worker"):
        key = HIDDEN["task_id" if model == "task" else "hostname"]
        url = reverse(f"admin:django_celery_monitor_{model}_change", args=[key])
        # So does the admin answer where there is no such row.
        assert client.get(url).status_code == 302
    url = reverse("admin:django_celery_monitor_taskerror_changelist")
    page = client.get(url + "?q=vault-1").text
    assert "vault.audit" not in page
    assert "VaultError" not in page


@in_loop
async def socket_of(client: Client, query: str) -> None:
    async with opened(client) as found:
        await found.send_json_to({"type": "subscribe", "query": query})
        assert (await found.receive_json_from())["type"] == "subscribed"


def test_a_list_may_be_watched_but_holds_nothing_of_the_others() -> None:
    from django_celery_monitor.live.rights import Rights
    from django_celery_monitor.live.subscriptions import _understood

    user = superuser()
    rights = Rights(
        signed_in=True, tasks=True, workers=True, names=False, arguments=True, reader=user
    )
    assert set(_understood("", rights).rows()) == {"mine-1", "mail-kin"}
    socket_of(client_of(*RIGHTS), "queue=vault")
    assert _understood("queue=vault", rights).rows() == {}


# Counts


def test_tasks_are_counted_among_those_that_are_visible(settings: Settings) -> None:
    user = superuser()
    assert get_policy().visible(user, TaskCount.objects.all()).count() == 0
    assert kept(user).by_name() == {"mail.send": 2}
    assert not kept(user).at_least
    assert facets(user, And(())).names == {"mail.send": 2}


def test_a_count_that_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_celery_monitor.reading.counts.CAP", 1)
    user = superuser()
    assert kept(user).at_least
    assert facets(user, And(())).at_least
    page = client_of(*RIGHTS).get(reverse("celery_monitor:api:get_overview")).json()
    assert page["at_least"] is True
    assert CAP > 1


def test_what_a_policy_forgot_is_unknown_and_not_zero() -> None:
    client = client_of(*RIGHTS)
    page = client.get(reverse("celery_monitor:overview")).text
    assert "Not counted for you: by type, by worker and by queue" in page
    assert "Nothing is known of this time: not counted for you" in page
    series = client.get(reverse("celery_monitor:series") + "?measure=throughput").json()
    assert series["lines"]
    assert all(value is None for line in series["lines"] for value in line["values"])
    told = client.get(reverse("celery_monitor:api:get_overview")).json()
    assert (told["last_hour"], told["finished_per_minute"], told["minutes"]) == (None, None, [])


def test_counts_that_a_policy_narrows_are_shown(settings: Settings) -> None:
    policy(settings, "OwnCounts")
    client = client_of(*RIGHTS)
    page = client.get(reverse("celery_monitor:overview")).text
    assert "Not counted for you: by type and by worker" in page
    assert "Nothing is known of this time" not in page
    series = client.get(reverse("celery_monitor:series") + "?measure=failures").json()
    total = sum(value or 0 for line in series["lines"] for value in line["values"])
    assert total == 1


def test_rows_of_workers_follow_their_worker_and_errors_their_task() -> None:
    user, guard = superuser(), get_policy()
    assert set(guard.visible(user, WorkerReply.objects.all()).values_list("worker", flat=True)) == {
        WORKER
    }
    assert not guard.visible(user, BadEvent.objects.all()).exists()
    assert not guard.visible(user, TaskStats.objects.all()).exists()
    errors = guard.visible(user, TaskError.objects.all())
    assert list(errors.values_list("task_id", flat=True)) == ["mine-1"]


@pytest.mark.parametrize("name", ["types", "queues"])
def test_a_list_of_totals_was_empty_or_zero_where_nothing_is_counted(name: str) -> None:
    page = client_of(*RIGHTS).get(reverse(f"celery_monitor:{name}"))
    assert "Made of your newest 10,000 tasks" in page.text
    [row] = page.context["rows"]
    assert row.totals.label == ("mail.send" if name == "types" else "mail")
    # Both tasks of the queue were sent, and one of them failed.
    assert (row.totals.failed, row.totals.ended, row.totals.received) == (1, 1, 1)
    assert row.totals.runtimes[1] == pytest.approx(0.8, rel=0.05)
    assert row.totals.waits[1] == pytest.approx(0.2, rel=0.05)
    assert row.trend == []
    assert MARK not in page.text


@pytest.mark.parametrize(("name", "arguments"), [("type", "mail.send"), ("queue", "mail")])
def test_one_of_them_is_told_of_its_own_tasks(name: str, arguments: str) -> None:
    page = client_of(*RIGHTS).get(reverse(f"celery_monitor:{name}", args=[arguments]))
    figures = page.context["totals"] if name == "type" else page.context["row"].totals
    assert (figures.failed, figures.change) == (1, None)


def test_what_comes_and_goes_is_unknown_and_not_zero_where_nothing_is_counted() -> None:
    page = client_of(*RIGHTS).get(reverse("celery_monitor:queues"))
    [row] = page.context["rows"]
    assert row.now.flow is None
    assert "it is not counted for you" in page.text


def test_totals_that_a_policy_narrows_are_the_counted_ones(settings: Settings) -> None:
    policy(settings, "OwnCounts")
    page = client_of(*RIGHTS).get(reverse("celery_monitor:queues"))
    [row] = page.context["rows"]
    assert row.now.flow is not None
    assert row.trend
    assert "Made of your newest" not in page.text
