"""Secrets in every place where the promise says that they are masked (how-to/redaction.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from celery import Celery
from celery.utils.saferepr import saferepr
from django.apps import apps
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import audit
from django_celery_monitor.control.acts.base import Aim, Judged, Order, Result, Verdict
from django_celery_monitor.control.acts.registry import act_of
from django_celery_monitor.control.redaction import reader, redactor
from django_celery_monitor.models import ControlAction
from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.recorder.masking import Masking
from django_celery_monitor.upkeep import inspections
from django_celery_monitor.upkeep.conclusions import Conclusion
from django_celery_monitor.upkeep.inspections import Wanted
from tests.integration.made import HOST, TRACEBACK, a_worker, event, failed, now, received, sent
from tests.integration.told import replies

# Whatever is around it, a secret that survives shows this.
CORE: Final = "hunter2"
# What a pattern finds, and what only code of the project's own finds.
PATTERN, OWN = "DE894711", "XX123456"
SECRETS: Final = (CORE, PATTERN, OWN)
LOGIN: Final = "shop.login"

secrets = st.lists(st.sampled_from((*"'\"\\,:={}[]() \n&?@/é", "a", "...")), max_size=4).map(
    lambda parts: CORE + "".join(parts) + CORE
)


@pytest.fixture(scope="module")
def app() -> Iterator[Celery]:
    """The project's, with a task whose second parameter has a secret's name."""
    app = find_app()

    def login(user: str, password: str) -> None: ...

    app.task(shared=False, name=LOGIN)(login)
    yield app
    del app.tasks[LOGIN]


@pytest.fixture(autouse=True)
def redaction(settings: Settings) -> None:
    settings.CELERY_MONITOR = {
        **settings.CELERY_MONITOR,
        "REDACT_PATTERNS": [r"DE\d{6}"],
        "REDACT_WITH": "tests.project.own_redaction.ibans",
    }


def planted(secret: str, uuid: str) -> list[dict[str, Any]]:
    """Events of one task that say it in every way which is promised to be masked."""
    at, both = now() - 60, f"{PATTERN} {OWN}"
    named = saferepr({"user": "bob", "deep": {"api_token": secret}, "note": both}, maxlen=1024)
    positional = saferepr(("bob", secret, both), maxlen=1024)
    error = f"LoginError({saferepr({'password': secret})}, {both!r})"
    trace = f"{TRACEBACK}LoginError: password={secret!r} {both} amqp://bob:{CORE}@mq/\n"
    url = f"'amqp://bob:{CORE}@mq/'"
    texts = {"args": positional, "kwargs": named}
    own: dict[str, Any] = {"note": {"password": secret, "texts": [both, f"token={secret!r}"]}}
    return [
        sent(uuid, at, LOGIN, **texts),
        received(uuid, at + 0.1, LOGIN, **texts),
        event("started", uuid, at + 0.2),
        failed(uuid, at + 0.4, "retried", exception=error, traceback=trace),
        event("progress", uuid, at + 0.5, **own),
        event(
            "succeeded", uuid, at + 0.7, result=f"{{'url': {url}, 'secret': {secret!r}, {both!r}}}"
        ),
        published(secret, uuid, at),
        # Put aside: without an id, and as no JSON at all.
        {**sent("", at, LOGIN, **texts), "uuid": None},
        # A task of which this project knows nothing: by names only.
        failed(f"{uuid}-x", at + 1, exception=error, traceback=trace),
    ]


def published(secret: str, uuid: str, at: float) -> dict[str, Any]:
    """As a process that publishes tells it, through the recorder's own masking."""
    both = f"{PATTERN} {OWN}"
    told: dict[str, Any] = event("sent", uuid, at - 0.01, "gen1@web", name=LOGIN, queue="mail")
    told |= {
        "type": "monitor-published",
        "args": saferepr(("bob", secret)),
        "kwargs": saferepr({"token": secret, "note": both}),
        "payload": json.dumps([["bob", secret], {"token": secret, "note": both}]),
        "flaw": "",
        "headers": {"authorization": secret, "note": both},
        "stamps": {"session_id": [secret], "note": [both]},
        "chord": {"id": "c", "kwargs": {"password": secret, "note": both}},
        "origin": f"token={secret!r} {both}",
    }
    events = [told]
    Masking(find_app(), get_settings()).mask(events)
    return events[0]


def store(secret: str) -> str:
    uuid = str(uuid4())
    events = planted(secret, uuid)
    broken = json.dumps(events[0])[:-3].encode()
    pipeline = Pipeline()
    for each in events:
        pipeline.store([json.dumps(each).encode()])
    pipeline.store([broken, json.dumps(events).encode()])
    pipeline.quarantine(json.dumps(events[:1]).encode(), "too long")
    text = f"{{'password': {secret!r}, 'note': '{PATTERN} {OWN}'}}"
    pipeline.settle([Conclusion(f"{uuid}-x", HOST, now(), "FAILURE", "result backend", text)])
    a_worker()
    told = reader(find_app())
    said = {part: told.read(part, reply) for part, reply in replied(secret, uuid).items()}
    kept = {part: each for part, each in said.items() if each}
    inspections.keep([Wanted(HOST, None)], {HOST: kept}, timezone.now(), "default")
    act(secret)
    return uuid


def act(secret: str) -> None:
    """What somebody does, what workers answer to it, and why it was done."""
    masks, both = redactor(find_app()), f"{PATTERN} {OWN}"
    found = act_of("revoke_by_stamped_headers")
    values = found.validated({"headers": {"api_key": [secret.replace("\n", " ")], "note": [both]}})
    order = Order(
        user=None,
        name="ann",
        act=found,
        values=values,
        aim=Aim(filter=urlencode({"q": f"token={secret!r}", "name": both})),
        reason=f"{both} password={secret}",
        source=ControlAction.Source.PAGE,
    )
    action = audit.begin(order, masks)
    said = Judged(Verdict.DONE, f"{both} revoked, token: {secret}")
    audit.end(action, Result(replies={HOST: said}, detail=f"{both} token={secret}"), masks)


def replied(secret: str, uuid: str) -> dict[str, Any]:
    found = replies(task_id=uuid, name=LOGIN)
    held = found["active"][0]
    held["args"], held["kwargs"] = ["bob", secret, PATTERN, OWN], {"x": {"api_key": secret}}
    found["conf"]["broker_url"] = f"amqp://bob:{CORE}@mq/"
    found["conf"]["worker_secret"] = secret
    found["stats"]["broker"]["password"] = secret
    return found


def leaks(text: str) -> set[str]:
    return {secret for secret in SECRETS if secret in text}


def in_tables() -> dict[str, set[str]]:
    found = {}
    for model in apps.get_app_config("django_celery_monitor").get_models():
        text = repr(list(model._default_manager.values()))
        if leaks(text):
            found[model.__name__] = leaks(text)
    return found


def few(count: int) -> hypothesis_settings:
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    # To make a finding smaller would take minutes.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return hypothesis_settings(
        max_examples=count, deadline=None, suppress_health_check=quiet, phases=phases
    )
