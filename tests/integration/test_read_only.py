"""``READ_ONLY``: nobody changes anything, whoever they are and whatever a policy says."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.access import policy
from django_celery_monitor.access.acts import ACTS
from django_celery_monitor.models import Inspection, SavedView
from tests.integration.made import HOST, a_worker, client_of, root_client, superuser

pytestmark = pytest.mark.django_db

SAVE, DELETE = "celery_monitor:save_view", "celery_monitor:delete_view"


class Everything(policy.AccessPolicy):
    def can(self, user: policy.User, act: str, obj: object = None) -> bool:
        return True


@pytest.fixture(autouse=True)
def read_only(settings: Settings) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": True}


def may(user: Any) -> set[str]:
    return {act.codename for act in ACTS if policy.get_policy().can(user, act.codename)}


def test_a_superuser_may_only_look() -> None:
    assert may(superuser()) == policy.LOOKING


def test_an_act_that_nobody_declared_changes_something() -> None:
    assert not policy.get_policy().can(superuser(), "an_act_of_tomorrow")


def test_a_policy_of_ones_own_cannot_overrule_it(settings: Settings) -> None:
    settings.CELERY_MONITOR |= {"ACCESS_POLICY": f"{__name__}.Everything"}
    assert may(AnonymousUser()) == policy.LOOKING
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.Everything"}
    assert may(AnonymousUser()) == {act.codename for act in ACTS}


@pytest.mark.parametrize("name", [SAVE, DELETE])
def test_no_view_is_saved_changed_or_deleted(name: str) -> None:
    row = SavedView.objects.create(owner="1", name="mine", shared=True)
    client = root_client()
    answer = client.post(reverse(name), {"id": row.pk, "name": "theirs", "query": ""})
    assert answer.status_code == 403
    assert "set to read-only" in answer.text
    assert SavedView.objects.values_list("name", flat=True).get() == "mine"


def test_no_page_offers_to_save_a_view(settings: Settings) -> None:
    SavedView.objects.create(owner="1", name="mine", shared=True)
    client = root_client()
    for name in ("tasks", "views"):
        page = client.get(reverse(f"celery_monitor:{name}")).text
        assert reverse(SAVE) not in page
        assert "Read-only" in page
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": False}
    for name in ("tasks", "views"):
        page = client.get(reverse(f"celery_monitor:{name}")).text
        assert reverse(SAVE) in page
        assert "Read-only" not in page


def test_a_worker_may_still_be_asked_what_it_does() -> None:
    a_worker()
    answer = client_of("view_worker").post(reverse("celery_monitor:inspect", args=[HOST]))
    assert answer.status_code == 302
    assert Inspection.objects.filter(pk=HOST).exists()


def test_strangers_still_sign_in_first() -> None:
    assert Client().post(reverse(SAVE)).status_code == 302
