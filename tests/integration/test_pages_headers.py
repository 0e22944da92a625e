"""What every page says to browsers and caches, and where it may be mounted."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.test.utils import override_script_prefix
from django.urls import include, path, reverse
from pytest_django import Settings

from django_celery_monitor.views import page
from tests.integration.made import HOST, a_collector, a_task, a_worker, client_of, root_client

pytestmark = pytest.mark.django_db

ALL_RIGHTS = ("view_task", "view_task_arguments", "view_worker")
urlpatterns = [
    path("admin/", admin.site.urls),
    path("deep/down/below/", include("django_celery_monitor.urls")),
]


@pytest.fixture(autouse=True)
def one_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock must not turn a page new in the middle of a test.
    monkeypatch.setattr(page, "TICK", 10**6)


def addresses() -> list[str]:
    a_worker()
    return [
        reverse("celery_monitor:overview"),
        reverse("celery_monitor:tasks"),
        reverse("celery_monitor:task", args=[a_task()]),
        reverse("celery_monitor:workers"),
        reverse("celery_monitor:worker", args=[HOST]),
    ]


def test_every_page_carries_a_strict_policy_refusals_and_sign_in_included() -> None:
    tasks = reverse("celery_monitor:tasks")
    answers = [root_client().get(url) for url in addresses()]
    answers += [root_client().get(tasks + "?after=soon"), client_of().get(tasks)]
    answers += [Client().get(tasks), root_client().get(tasks + "nobody/")]
    assert {answer.status_code for answer in answers} == {200, 302, 400, 403, 404}
    for answer in answers:
        assert answer["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
        )
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "private, no-store"


def test_static_files_on_another_host_are_allowed_and_nothing_else_is(settings: Settings) -> None:
    settings.STATIC_URL = "https://static.example.com/shop/"
    policy = root_client().get(reverse("celery_monitor:tasks"))["Content-Security-Policy"]
    assert "script-src 'self' https://static.example.com;" in policy
    assert "frame-ancestors 'self'" in policy


def test_nothing_is_inline_so_the_policy_breaks_nothing() -> None:
    for url in addresses():
        text = root_client().get(url).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        scripts = re.findall(r"<script[^>]*>", text)
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)


def test_a_page_that_has_not_changed_answers_304() -> None:
    client = root_client()
    for url in addresses():
        etag = client.get(url)["ETag"]
        again = client.get(url, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_a_page_is_new_once_rows_rights_or_reader_change() -> None:
    a_task()
    url = reverse("celery_monitor:tasks")
    client = client_of("view_task")
    user = User.objects.latest("pk")
    seen = [client.get(url)["ETag"], client_of("view_task").get(url)["ETag"]]
    user.user_permissions.set(Permission.objects.filter(codename__in=ALL_RIGHTS))
    seen.append(client.get(url)["ETag"])
    a_task()
    seen.append(client.get(url)["ETag"])
    assert len(set(seen)) == 4


def test_a_right_that_was_taken_away_is_not_answered_with_304() -> None:
    url = reverse("celery_monitor:tasks")
    client = client_of("view_task")
    etag = client.get(url)["ETag"]
    User.objects.latest("pk").user_permissions.clear()
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 403


def test_pages_can_only_be_read() -> None:
    for url in addresses():
        assert root_client().post(url).status_code == 405
        assert root_client().head(url).status_code == 200


def test_the_socket_s_address_says_over_http_what_it_is() -> None:
    response = Client().get(reverse("celery_monitor:live"))
    assert response.status_code == 426
    # Hop-by-hop headers are not for a WSGI application to send.
    assert "Upgrade" not in response.headers


@pytest.mark.urls(__name__)
def test_every_link_is_right_wherever_the_pages_are_mounted() -> None:
    a_collector()
    a_worker()
    client, task_id = root_client(), a_task()
    found = set()
    # As a server does that mounts the project at /intern.
    with override_script_prefix("/intern/"):
        for page_path in ("", "tasks/", f"tasks/{task_id}/", "workers/", f"workers/{HOST}/"):
            response = client.get(f"/deep/down/below/{page_path}")
            assert response.status_code == 200
            found |= set(re.findall(r'(?:href|action|data-live-url)="(/[^"]*)"', response.text))
    mounted = "/intern/deep/down/below/"
    assert {f"{mounted}live/", f"{mounted}tasks/", f"{mounted}workers/"} <= found
    others = {url for url in found if not url.startswith((mounted, "/static/", "/intern/static/"))}
    assert all(url.startswith("/intern/admin/") for url in others)


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl")])
def test_pages_say_their_language_and_its_direction(
    settings: Settings, language: str, direction: str
) -> None:
    settings.LANGUAGE_CODE = language
    settings.USE_THOUSAND_SEPARATOR = True
    for url in addresses():
        assert f'<html lang="{language}" dir="{direction}">' in root_client().get(url).text


def test_a_project_without_the_request_in_its_templates_has_pages_too(settings: Settings) -> None:
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {}}]
    for url in addresses():
        assert "Sign out" in root_client().get(url).text
