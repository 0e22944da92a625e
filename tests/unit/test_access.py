"""Who may, and where strangers are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path, reverse_lazy, set_script_prefix
from django.urls.base import clear_script_prefix
from pytest_django import Settings

from django_celery_monitor.access.decorators import login_url, require
from django_celery_monitor.access.policy import VIEW_TASK, AccessPolicy, get_policy


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("shown")


@dataclass
class Somebody:
    """A user as far as policies look at one."""

    permissions: frozenset[str] = frozenset()
    is_active: bool = True
    is_authenticated: bool = True
    pk: int = 1

    def has_perm(self, perm: str) -> bool:
        return perm in self.permissions


READER = Somebody(frozenset({"django_celery_monitor.view_task"}))


class OpenPolicy(AccessPolicy):
    """A project's own policy: everybody may see everything."""

    def can(self, user: Any, act: str, obj: object = None) -> bool:
        return True


class Accounts:
    """The URLs of a project with a login page of its own."""

    urlpatterns = [
        path("accounts/login/", page, name="login"),
        path("monitor/", include("django_celery_monitor.urls")),
    ]


class Nothing:
    """The URLs of a project without any login page."""

    urlpatterns: list[Any] = []


def ask(user: object, method: str = "get", target: str = "/monitor/tasks/?q=a b") -> HttpResponse:
    request = getattr(RequestFactory(), method)(target)
    request.user = user
    answer = require(VIEW_TASK)(page)(request)
    assert isinstance(answer, HttpResponse)
    return answer


# The policy


def test_nobody_may_do_anything_that_was_not_granted() -> None:
    policy = get_policy()
    assert not policy.can(AnonymousUser(), VIEW_TASK)
    assert not policy.can(Somebody(), VIEW_TASK)
    assert policy.can(READER, VIEW_TASK)
    assert not policy.can(READER, "view_worker")
    assert not policy.can(READER, "")


def test_an_inactive_user_may_do_nothing_whatever_a_backend_says() -> None:
    assert not get_policy().can(Somebody(READER.permissions, is_active=False), VIEW_TASK)


def test_a_project_names_its_own_policy(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OpenPolicy"}
    assert get_policy().can(AnonymousUser(), VIEW_TASK)


# The gate in front of pages


def test_who_may_is_let_through() -> None:
    assert ask(READER).content == b"shown"


def test_who_may_not_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        ask(Somebody())


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_signs_in_first_and_comes_back(method: str) -> None:
    answer = ask(AnonymousUser(), method)
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/monitor/tasks/%3Fq%3Da%2520b"


def test_a_stranger_is_never_sent_to_another_site() -> None:
    answer = ask(AnonymousUser(), target="//evil.example/monitor/")
    assert answer["Location"].startswith("/admin/login/?next=/")
    assert "next=//" not in answer["Location"]


def test_a_policy_may_let_strangers_in(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OpenPolicy"}
    assert ask(AnonymousUser()).content == b"shown"


def test_without_any_login_page_a_stranger_is_refused(settings: Settings) -> None:
    settings.ROOT_URLCONF, settings.LOGIN_URL = Nothing, "/accounts/login/"
    with pytest.raises(PermissionDenied):
        ask(AnonymousUser())


# Where to sign in


def test_our_own_setting_comes_first(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"LOGIN_URL": "/sso/"}
    assert login_url() == "/sso/"
    settings.CELERY_MONITOR = {"LOGIN_URL": "admin:index"}
    assert login_url() == "/admin/"


@pytest.mark.parametrize("name", ["login", "/accounts/login/", reverse_lazy("login")])
def test_then_the_projects_page(settings: Settings, name: Any) -> None:
    settings.ROOT_URLCONF, settings.LOGIN_URL = Accounts, name
    assert login_url() == "/accounts/login/"


def test_a_login_page_of_another_site_is_the_projects_choice(settings: Settings) -> None:
    settings.LOGIN_URL = "https://sso.example/login?tenant=1"
    assert login_url() == "https://sso.example/login?tenant=1"


@pytest.mark.parametrize("name", ["/accounts/login/", "no-such-name"])
def test_a_login_url_without_a_page_gives_way_to_the_admins(settings: Settings, name: str) -> None:
    settings.LOGIN_URL = name
    assert login_url() == "/admin/login/"


def test_the_projects_page_is_found_under_a_servers_prefix(settings: Settings) -> None:
    settings.ROOT_URLCONF, settings.LOGIN_URL = Accounts, "login"
    set_script_prefix("/app/")
    try:
        assert login_url() == "/app/accounts/login/"
    finally:
        clear_script_prefix()
