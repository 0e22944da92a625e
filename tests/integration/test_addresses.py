from __future__ import annotations

import pytest
from django.http import QueryDict
from django.urls import reverse, set_script_prefix

from django_celery_monitor.views.addresses import address, of_task
from django_celery_monitor.views.links import changed


@pytest.mark.parametrize(
    "task_id",
    ["0", "6f1c0a52-0c3c-4c0f-a6b5-1f6f8d3a2b10", "a/b", "//x", "?", "žluť", "a b", "%2F", "a+b"],
)
def test_the_address_of_a_task_is_the_one_django_makes(task_id: str) -> None:
    assert of_task(task_id) == reverse("celery_monitor:task", args=(task_id,))


def test_an_address_that_is_kept_follows_where_the_project_is_mounted() -> None:
    before = address("celery_monitor:tasks")
    set_script_prefix("/deep/")
    try:
        assert address("celery_monitor:tasks") == f"/deep{before}"
        assert of_task("a1").startswith("/deep/")
    finally:
        set_script_prefix("/")
    assert address("celery_monitor:tasks") == before


def test_what_a_link_changes_stays_in_its_place() -> None:
    params = QueryDict("state=failed&name=a&name=b&cursor=x&q=%C5%BE%26")
    assert changed(params, state="lost").endswith("?state=lost&name=a&name=b&q=%C5%BE%26")
    assert changed(params, name=[], q="").endswith("?state=failed")
    assert changed(params, worker="w").endswith("&q=%C5%BE%26&worker=w")
    assert changed(QueryDict()) == address("celery_monitor:tasks")
