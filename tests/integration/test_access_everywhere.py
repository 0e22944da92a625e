"""Every address the app has, asked by everybody.

A new one that is not in ``ADDRESSES`` fails here: nothing is open because nobody thought of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from django_celery_monitor.models import Inspection
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

SIGN_IN, UNKNOWN, FORBIDDEN, SHOWN = 302, 401, 403, 200


@dataclass(frozen=True)
class Answers:
    stranger: int
    nobody: int
    tasks: int
    workers: int
    superuser: int = SHOWN


TASK_PAGE = Answers(stranger=SIGN_IN, nobody=FORBIDDEN, tasks=SHOWN, workers=FORBIDDEN)
# Whoever may, has to post it.
TASK_ACT = Answers(stranger=SIGN_IN, nobody=FORBIDDEN, tasks=405, workers=FORBIDDEN, superuser=405)
WORKER_PAGE = Answers(stranger=SIGN_IN, nobody=FORBIDDEN, tasks=FORBIDDEN, workers=SHOWN)
TASK_API = Answers(stranger=UNKNOWN, nobody=FORBIDDEN, tasks=SHOWN, workers=FORBIDDEN)
WORKER_API = Answers(stranger=UNKNOWN, nobody=FORBIDDEN, tasks=FORBIDDEN, workers=SHOWN)
EITHER_API = Answers(stranger=UNKNOWN, nobody=FORBIDDEN, tasks=SHOWN, workers=SHOWN)
# Says the same to everybody, and nothing of what is kept.
SOCKET = Answers(stranger=426, nobody=426, tasks=426, workers=426, superuser=426)
ONLY_POSTED = Answers(stranger=405, nobody=405, tasks=405, workers=405, superuser=405)
NOTHING = Answers(stranger=404, nobody=404, tasks=404, workers=404, superuser=404)

ADDRESSES: dict[str, Answers] = {
    "celery_monitor:overview": TASK_PAGE,
    "celery_monitor:tasks": TASK_PAGE,
    "celery_monitor:task": TASK_PAGE,
    "celery_monitor:types": TASK_PAGE,
    "celery_monitor:type": TASK_PAGE,
    "celery_monitor:failures": TASK_PAGE,
    "celery_monitor:queues": TASK_PAGE,
    "celery_monitor:queue": TASK_PAGE,
    "celery_monitor:workers": WORKER_PAGE,
    "celery_monitor:worker": WORKER_PAGE,
    "celery_monitor:series": TASK_PAGE,
    # Only with DEBUG.
    "celery_monitor:styleguide": NOTHING,
    "celery_monitor:inspect": ONLY_POSTED,
    "celery_monitor:views": TASK_PAGE,
    "celery_monitor:save_view": TASK_ACT,
    "celery_monitor:delete_view": TASK_ACT,
    "celery_monitor:complete": TASK_PAGE,
    "celery_monitor:export": TASK_PAGE,
    "celery_monitor:live": SOCKET,
    "celery_monitor:api:list_tasks": TASK_API,
    "celery_monitor:api:get_task": TASK_API,
    "celery_monitor:api:list_workers": WORKER_API,
    "celery_monitor:api:get_worker": WORKER_API,
    "celery_monitor:api:get_overview": TASK_API,
    "celery_monitor:api:openapi-json": EITHER_API,
    "celery_monitor:api:api-root": NOTHING,
}
ARGUMENTS = {"task_id": "a-1", "hostname": "w1@host", "name": "shop.pay"}


@pytest.fixture(autouse=True)
def rows(db: None) -> None:
    a_task("a-1", queue="shop.pay")
    a_worker("w1@host")


@pytest.fixture(params=["stranger", "nobody", "tasks", "workers", "superuser"])
def reader(request: pytest.FixtureRequest) -> tuple[str, Client]:
    clients = {
        "stranger": Client,
        "nobody": lambda: signed_in(person("nobody", "view_task_arguments")),
        "tasks": lambda: signed_in(person("tasks", "view_task")),
        "workers": lambda: signed_in(person("workers", "view_worker")),
        "superuser": lambda: signed_in(User.objects.create_superuser("root")),
    }
    return request.param, clients[request.param]()


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Names with their namespaces, and the arguments that they take."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name}", list(pattern.pattern.converters)
        else:
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from addresses(pattern, inner)


def ours() -> dict[str, list[str]]:
    every = addresses(get_resolver())
    return {name: needs for name, needs in every if name.startswith("celery_monitor:")}


def ask(client: Client, name: str, method: str = "get") -> Any:
    arguments = {key: ARGUMENTS[key] for key in ours()[name]}
    return getattr(client, method)(reverse(name, kwargs=arguments))


def test_every_address_is_accounted_for() -> None:
    assert set(ours()) == set(ADDRESSES)


@pytest.mark.parametrize("name", ADDRESSES)
def test_everybody_gets_the_answer_that_is_meant_for_them(
    reader: tuple[str, Client], name: str
) -> None:
    who, client = reader
    answer = ask(client, name)
    assert answer.status_code == getattr(ADDRESSES[name], who)
    if answer.status_code == SIGN_IN:
        assert answer["Location"].startswith("/admin/login/?next=/monitor/")


def test_asking_a_worker_takes_the_right_to_see_it(reader: tuple[str, Client]) -> None:
    who, client = reader
    answer = ask(client, "celery_monitor:inspect", "post")
    allowed = who in ("workers", "superuser")
    assert answer.status_code == (302 if allowed or who == "stranger" else FORBIDDEN)
    assert Inspection.objects.exists() == allowed


@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_can_be_changed_by_anybody(reader: tuple[str, Client], name: str) -> None:
    _who, client = reader
    for method in ("post", "put", "patch", "delete"):
        assert ask(client, name, method).status_code in {302, 400, 401, 403, 404, 405, 426}
