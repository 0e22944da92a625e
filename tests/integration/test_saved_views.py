"""Views of the list that people keep, and share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from django_celery_monitor.models import SavedView
from django_celery_monitor.reading import saved, view_counts
from tests.integration.made import a_task, client_of, root_client

pytestmark = pytest.mark.django_db
TASKS = "/monitor/tasks/"


def save(client: Client, **values: Any) -> Any:
    return client.post(reverse("celery_monitor:save_view"), values)


def shown(client: Client, url: str) -> dict[str, Any]:
    response = client.get(url)
    assert response.status_code == 200
    names = ("built_in", "own_views", "shared_views")
    found = {name: [link.label for link in response.context[name]] for name in names}
    view = response.context["view"]
    return {**found, "view": view and view.name, "changed": response.context["view_changed"]}


def test_what_is_shown_is_kept_under_a_name_and_opened_again() -> None:
    a_task("failed")
    client = client_of("view_task")
    query = "state=failed&-queue=mail&column=state&column=time&cursor=x&nonsense=1"
    response = save(client, name="Broken", query=query)
    row = SavedView.objects.get()
    assert (row.name, row.shared) == ("Broken", False)
    assert row.query == "state=failed&-queue=mail&column=state&column=time"
    assert response["Location"] == f"{TASKS}?view={row.pk}&{row.query}"
    opened = shown(client, response["Location"])
    assert (opened["view"], opened["changed"]) == ("Broken", False)
    assert opened["own_views"] == ["Broken"]
    assert shown(client, response["Location"] + "&queue=cards")["changed"] is True


def test_everybody_has_some_views() -> None:
    client = client_of("view_task")
    assert shown(client, TASKS)["view"] == "All tasks"
    for _name, query in saved.BUILT_IN.values():
        assert client.get(f"{TASKS}?{query}").status_code == 200
    assert shown(client, f"{TASKS}?after=1h")["view"] == "Last hour"
    assert shown(client, f"{TASKS}?after=2h")["view"] is None


def test_today_begins_at_midnight_where_the_reader_is() -> None:
    client = client_of("view_task")
    client.cookies["celery_monitor_zone"] = "Asia/Tokyo"
    links = client.get(TASKS).context["built_in"]
    [today] = [link for link in links if link.label == "Today"]
    assert today.url.endswith("T00%3A00%3A00%2B09%3A00")
    opened = shown(client, today.url)
    assert (opened["view"], opened["changed"]) == ("Today", False)


def counted(client: Client) -> dict[str, str]:
    response = client.get(reverse("celery_monitor:view_counts"))
    assert response.status_code == 200
    return {key: each["text"] for key, each in response.json()["counts"].items()}


def test_views_say_how_many_tasks_they_hold(settings: Settings) -> None:
    for state in ("failed", "succeeded"):
        a_task(state)
    for _ in range(2):
        a_task("received", ago=3600)
    client = client_of("view_task")
    assert counted(client) == {
        "all": "4",
        "failing": "1",
        "long": "0",
        "hour": "2",
        "stuck": "2",
        "today": counted(client)["today"],
    }
    settings.CELERY_MONITOR = {"SEARCH_WINDOW": 1}
    assert counted(client)["stuck"] == "1+"


def test_what_may_not_be_searched_is_not_counted_either() -> None:
    a_task(kwargs="{'order': 42}")
    may, may_not = (
        client_of("view_task", "view_task_arguments", "manage_views"),
        client_of("view_task"),
    )
    save(may, name="Ours", query="kwargs.order=42", shared="on")
    key = str(SavedView.objects.get().pk)
    assert counted(may)[key] == "1"
    assert key not in counted(may_not)


def test_a_view_that_no_longer_means_anything_has_no_count() -> None:
    client = client_of("view_task")
    save(client, name="Old", query="")
    SavedView.objects.update(query="after=soon")
    assert str(SavedView.objects.get().pk) not in counted(client)


def test_views_are_counted_as_long_as_patience_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_counts, "PATIENCE", -1.0)
    assert counted(client_of("view_task")) == {}


def test_a_view_is_one_s_own_unless_it_is_shared() -> None:
    sharer, other = client_of("view_task", "manage_views"), client_of("view_task")
    save(sharer, name="Mine", query="")
    save(sharer, name="Ours", query="state=failed", shared="on")
    assert shown(sharer, TASKS)["own_views"] == ["Mine", "Ours"]
    found = shown(other, TASKS)
    assert (found["own_views"], found["shared_views"]) == ([], ["Ours"])


def test_sharing_needs_its_right() -> None:
    client = client_of("view_task")
    refused = save(client, name="Ours", query="", shared="on")
    assert refused.status_code == 403
    assert "manage_views" in refused.text
    assert not SavedView.objects.exists()


def test_nobody_changes_the_view_of_somebody_else() -> None:
    owner, other = client_of("view_task", "manage_views"), client_of("view_task")
    save(owner, name="Ours", query="state=failed", shared="on")
    key = SavedView.objects.get().pk
    delete = reverse("celery_monitor:delete_view")
    assert save(other, id=key, query="").status_code == 404
    assert other.post(delete, {"id": key}).status_code == 404
    manager = client_of("view_task", "manage_views")
    save(owner, name="Secret", query="")
    hidden = SavedView.objects.get(name="Secret").pk
    assert manager.post(delete, {"id": hidden}).status_code == 404
    assert save(manager, id=key, name="All of ours", shared="on").status_code == 302
    assert SavedView.objects.get(pk=key).name == "All of ours"
    assert manager.post(delete, {"id": key}).status_code == 302


def test_a_view_is_changed_and_thrown_away() -> None:
    client = client_of("view_task")
    save(client, name="Broken", query="state=failed")
    row = SavedView.objects.get()
    save(client, id=row.pk, query="state=lost")
    row.refresh_from_db()
    assert (row.name, row.query) == ("Broken", "state=lost")
    assert "state:lost" in client.get(reverse("celery_monitor:views")).text
    assert save(client, id=row.pk, name="Lost")["Location"] == reverse("celery_monitor:views")
    client.post(reverse("celery_monitor:delete_view"), {"id": row.pk})
    assert "No view is saved yet" in client.get(reverse("celery_monitor:views")).text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " ", "query": ""}, "needs a name"),
        ({"name": "a", "query": "after=soon"}, "not a time"),
        ({"name": "Broken", "query": ""}, "of this name already"),
    ],
)
def test_what_cannot_be_kept_is_refused(values: dict[str, str], said: str) -> None:
    client = client_of("view_task")
    save(client, name="Broken", query="")
    response = save(client, **values)
    assert response.status_code == 400
    assert said in response.text


def test_there_is_an_end_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_celery_monitor.views.saved_views.MOST", 1)
    client = client_of("view_task")
    save(client, name="a", query="")
    assert save(client, name="b", query="").status_code == 400


def test_a_view_is_not_kept_for_another_site() -> None:
    client = client_of("view_task")
    client.handler.enforce_csrf_checks = True
    assert save(client, name="a", query="").status_code == 403
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("key", ["0", "x", "9" * 30, "\u0663", ""])
def test_a_view_that_is_not_there(key: str) -> None:
    client = root_client()
    assert client.post(reverse("celery_monitor:delete_view"), {"id": key}).status_code == 404
    assert shown(client, f"{TASKS}?view={key or 'none'}")["view"] is None


def test_columns_are_chosen_in_the_address_and_remembered() -> None:
    a_task()
    client = root_client()
    response = client.get(f"{TASKS}?column=state&column=retries&column=nonsense")
    assert ">Retries</th>" in response.text
    assert ">Queue</th>" not in response.text
    assert ">Retries</th>" in client.get(TASKS).text
    assert ">Queue</th>" in client.get(f"{TASKS}?column=queue").text
