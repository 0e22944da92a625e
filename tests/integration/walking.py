"""Every address that the app has, and everybody who may ask for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from django_celery_monitor.access.acts import ACTS
from django_celery_monitor.models import BadEvent, ControlAction, Gap, Operation
from tests.integration.kept import a_collector, a_task, a_worker, an_error
from tests.integration.people import person, signed_in

APP: Final = "django_celery_monitor"
KEY: Final = uuid.UUID(int=7)
ARGUMENTS: Final = {
    "task_id": "a-1",
    "hostname": "w1@host",
    "name": "shop.pay",
    "action_id": 1,
    "key": KEY,
    "act_name": "revoke",
}
RIGHTS: Final = tuple(act.codename for act in ACTS)
# Who holds what; ``None`` may everything.
EVERYBODY: Final[dict[str, tuple[str, ...] | None]] = {
    "stranger": (),
    "nobody": (),
    "viewer": ("view_task", "view_worker"),
    **{right: (right,) for right in RIGHTS},
    "superuser": None,
}


def rows() -> None:
    """Something behind each address."""
    now = timezone.now()
    a_task("a-1", queue="shop.pay", time=now, state="FAILURE")
    an_error("a-1", time=now, name="shop.pay")
    a_worker("w1@host")
    a_collector()
    Gap.objects.create(started_at=now, ended_at=now, reason=Gap.Reason.AWAY, transport="redis")
    ControlAction.objects.create(id=1, act="ping", user_name="ann", source="api", started_at=now)
    Operation.objects.create(pk=KEY, act="revoke", user_name="ann", created_at=now, bound=now)
    BadEvent.objects.create(arrived_at=now, reason="no uuid", body="{}")


def client_of(who: str, *, staff: bool = False) -> Client:
    held = EVERYBODY[who]
    if who == "stranger":
        return Client()
    if held is None:
        return signed_in(User.objects.create_superuser("root"))
    return signed_in(person(who, *held, staff=staff))


def may(who: str, opens: tuple[str, ...]) -> bool:
    held = EVERYBODY[who]
    return held is None or bool(set(held) & set(opens))


def ours() -> dict[str, list[str]]:
    """Names of our own addresses, with the arguments that they take."""
    every = _addresses(get_resolver())
    return {name: needs for name, needs in every if name.startswith("celery_monitor:")}


def _addresses(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name}", list(pattern.pattern.converters)
        else:
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _addresses(pattern, inner)


def address(name: str) -> str:
    return reverse(name, kwargs={key: ARGUMENTS[key] for key in ours()[name]})


def ask(client: Client, name: str, method: str = "get", **data: Any) -> HttpResponse:
    answer: HttpResponse = getattr(client, method)(address(name), **data)
    return answer


def admin_models() -> dict[str, type[Model]]:
    registered = [model for model in admin.site._registry if model._meta.app_label == APP]
    return {model._meta.model_name or "": model for model in registered}


def admin_address(model: str, page: str) -> str:
    found = admin_models()[model]._default_manager.first()
    of_one = page in ("change", "history", "delete")
    name = f"admin:{APP}_{model}_{page}"
    return reverse(name, args=[found.pk] if of_one and found is not None else [])
