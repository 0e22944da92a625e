"""Who sees what."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.db.models import Model, QuerySet
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy, M, User
from django_celery_monitor.models import Task
from tests.integration.made import (
    HOST,
    a_collector,
    a_task,
    a_worker,
    client_of,
    root_client,
)

pytestmark = pytest.mark.django_db

TASK_PAGES = ("overview", "tasks", "task")
WORKER_PAGES = ("workers", "worker")


def urls() -> dict[str, str]:
    """The address of every page, with rows behind it."""
    a_collector()
    a_worker()
    task_id = a_task("failed")
    arguments = {"task": [task_id], "worker": [HOST]}
    return {
        name: reverse(f"celery_monitor:{name}", args=arguments.get(name))
        for name in (*TASK_PAGES, *WORKER_PAGES)
    }


def test_a_stranger_is_asked_to_sign_in() -> None:
    for url in urls().values():
        response = Client().get(url)
        assert response.status_code == 302
        assert unquote(response["Location"]) == f"/admin/login/?next={url}"


def test_somebody_without_a_right_is_told_which_one_is_missing() -> None:
    client = client_of()
    for name, url in urls().items():
        response = client.get(url)
        right = "view_task" if name in TASK_PAGES else "view_worker"
        assert response.status_code == 403
        assert f"django_celery_monitor.{right}" in response.text


def test_each_right_opens_its_own_pages_and_their_links() -> None:
    pages = urls()
    of_tasks, of_workers = client_of("view_task"), client_of("view_worker")
    for name, url in pages.items():
        assert of_tasks.get(url).status_code == (200 if name in TASK_PAGES else 403)
        assert of_workers.get(url).status_code == (200 if name in WORKER_PAGES else 403)
    assert f'href="{pages["workers"]}"' not in of_tasks.get(pages["overview"]).text
    assert f'href="{pages["tasks"]}"' not in of_workers.get(pages["workers"]).text
    assert "shop.ship" not in of_workers.get(pages["worker"]).text
    assert f'href="{pages["worker"]}"' not in of_tasks.get(pages["task"]).text


def test_superusers_see_everything() -> None:
    client = root_client()
    for url in urls().values():
        assert client.get(url).status_code == 200


def test_no_page_shows_arguments_results_or_errors_without_their_own_right() -> None:
    a_task("succeeded", args="('the eagle',)", kwargs="{'has': 'landed'}")
    a_task("failed", args="('the eagle',)")
    pages = [*urls().values(), *_task_pages()]
    for url in pages:
        text = client_of("view_task", "view_worker").get(url).text
        for secret in ("eagle", "landed", "tracked", "insufficient_funds", "gateway.charge"):
            assert secret not in text, (url, secret)


def test_the_class_of_an_error_is_shown_to_all_who_see_the_task() -> None:
    url = reverse("celery_monitor:task", args=[a_task("failed")])
    assert "CardDeclined" in client_of("view_task").get(url).text
    assert "CardDeclined" in client_of("view_task").get(reverse("celery_monitor:overview")).text


def test_with_the_right_the_payload_is_there() -> None:
    done, broken = a_task("succeeded"), a_task("failed")
    client = client_of("view_task", "view_task_arguments")
    page = client.get(reverse("celery_monitor:task", args=[done])).text
    assert "carrier=&#x27;dhl&#x27;" in page
    assert "&#x27;tracked&#x27;" in page
    page = client.get(reverse("celery_monitor:task", args=[broken])).text
    assert "gateway.charge(order.total)" in page
    assert "carrier=&#x27;dhl&#x27;" in client.get(reverse("celery_monitor:tasks")).text
    assert "insufficient_funds" in client.get(reverse("celery_monitor:overview")).text


@pytest.mark.parametrize("query", ["q=eagle", "args.0=the eagle", "-args.0=x"])
def test_text_search_needs_the_right_because_it_would_tell_by_probing(query: str) -> None:
    a_task(args="('the eagle',)")
    url = reverse("celery_monitor:tasks") + f"?{query}"
    response = client_of("view_task").get(url)
    assert response.status_code == 403
    assert "view_task_arguments" in response.text
    assert "shop.ship" in client_of("view_task", "view_task_arguments").get(url).text


class OnlyShipping(AccessPolicy):
    """Sees tasks of one type, and the arguments of one task only."""

    def can(self, user: User, act: str, obj: object = None) -> bool:
        if isinstance(obj, Task) and act == "view_task_arguments":
            return "'mine'" in obj.args
        return True

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        model: type[Model] = queryset.model
        fields = {field.name for field in model._meta.get_fields()}
        if model is Task or model.__name__ in {"TaskCount", "TaskError"}:
            return queryset.filter(name="shop.ship")
        return queryset.filter(label="shop.ship") if "label" in fields else queryset


@pytest.fixture
def only_shipping(settings: Settings) -> None:
    path = f"{OnlyShipping.__module__}.{OnlyShipping.__qualname__}"
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "ACCESS_POLICY": path}


@pytest.mark.usefixtures("only_shipping")
def test_what_a_policy_hides_is_neither_listed_nor_counted_nor_found() -> None:
    a_task(args="('mine',)")
    hidden = a_task("failed", name="secret.audit")
    client = client_of()
    page = client.get(reverse("celery_monitor:tasks"))
    assert page.context["states"][0].count == "1"
    for name in ("overview", "tasks"):
        assert "secret" not in client.get(reverse(f"celery_monitor:{name}")).text
    assert client.get(reverse("celery_monitor:task", args=[hidden])).status_code == 404


@pytest.mark.usefixtures("only_shipping")
def test_a_policy_may_hide_the_arguments_of_single_tasks() -> None:
    a_task(args="('mine',)")
    other = a_task(args="('yours',)")
    text = client_of().get(reverse("celery_monitor:tasks")).text
    assert "mine" in text
    assert "yours" not in text
    assert "yours" not in client_of().get(reverse("celery_monitor:task", args=[other])).text


def _task_pages() -> list[str]:
    return [reverse("celery_monitor:task", args=[task.id]) for task in Task.objects.all()]
