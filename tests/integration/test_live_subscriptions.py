"""A viewer of one list hears of what changes in it, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.live import sources, subscriptions
from django_celery_monitor.live.consumer import LiveConsumer
from django_celery_monitor.live.watcher import Watcher
from django_celery_monitor.models import Task
from django_celery_monitor.paging import page
from tests.integration.made import a_task, client_of
from tests.integration.sockets import Socket, in_loop, opened

pytestmark = pytest.mark.django_db

Made = Callable[..., Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "interval", 0.01)
    monkeypatch.setattr(LiveConsumer, "pause_seconds", 0.0)
    monkeypatch.setattr(sources, "GRACE", 0.05)
    monkeypatch.setattr(subscriptions.Look, "every", 0.0)
    monkeypatch.setattr(subscriptions.Look, "price", 0)


@pytest.fixture
def viewer() -> Client:
    return client_of("view_task")


made = sync_to_async(a_task)


async def subscribe(found: Socket, query: str | None) -> dict[str, Any]:
    await found.send_json_to({"type": "subscribe", "query": query})
    answer: dict[str, Any] = await found.receive_json_from()
    return answer


async def settle(found: Socket) -> None:
    """The first change after subscribing is told whatever it is: the page may be older."""
    await made("succeeded")
    assert (await found.receive_json_from())["more"]


@in_loop
async def test_only_what_the_list_shows_is_told(viewer: Client) -> None:
    async with opened(viewer) as found:
        answer = await subscribe(found, "state=failed")
        assert answer == {"v": 1, "type": "subscribed", "query": "state=failed"}
        await settle(found)
        await made("succeeded")
        assert await found.receive_nothing(0.1)
        task_id = await made("failed")
        heard = await found.receive_json_from()
        assert (heard["tasks"], heard["workers"], heard["more"]) == ([task_id], [], False)


@in_loop
async def test_a_row_that_leaves_the_list_is_told(viewer: Client) -> None:
    task_id = await made("failed")
    async with opened(viewer) as found:
        await subscribe(found, "state=failed")
        await settle(found)
        await sync_to_async(Task.objects.filter(pk=task_id).delete)()
        await made("succeeded")
        assert (await found.receive_json_from())["tasks"] == [task_id]


@in_loop
async def test_without_a_filter_again_everything_is_told(viewer: Client) -> None:
    async with opened(viewer) as found:
        await subscribe(found, "state=failed")
        await settle(found)
        assert await subscribe(found, None) == {"v": 1, "type": "subscribed", "query": None}
        await made("succeeded")
        assert (await found.receive_json_from())["more"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("after=yesterday", "is not a time"),
        ("cursor=%21", "page address is damaged"),
        ("name=" + "x" * 2_000, "longer than 2000"),
        ("&".join(f"x{n}=1" for n in range(200)), "query string"),
        ("q=secret", "lacks the right"),
        ("kwargs.a=secret", "lacks the right"),
    ],
)
@in_loop
async def test_a_filter_that_cannot_be_followed_is_refused_and_everything_told(
    viewer: Client, settings: Settings, query: str, reason: str
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
    async with opened(viewer) as found:
        answer = await subscribe(found, query)
        assert answer["type"] == "error"
        assert reason in answer["reason"]
        await made("succeeded")
        assert (await found.receive_json_from())["more"]


@in_loop
async def test_who_sees_workers_only_cannot_follow_tasks() -> None:
    client = await sync_to_async(client_of)("view_worker")
    async with opened(client) as found:
        assert (await subscribe(found, "state=failed"))["type"] == "error"


@in_loop
async def test_too_many_different_lists_are_refused(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 1)
    async with opened(viewer) as one, opened(viewer) as other:
        assert (await subscribe(one, "state=failed"))["type"] == "subscribed"
        # The same list, spelt in another way.
        assert (await subscribe(other, "name=&state=failed"))["type"] == "subscribed"
        assert (await subscribe(other, "state=lost"))["type"] == "error"
        await subscribe(one, None)
        assert (await subscribe(other, "state=lost"))["type"] == "subscribed"


@in_loop
async def test_viewers_of_one_list_cost_one_query_together(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return page(*arguments)

    monkeypatch.setattr(subscriptions, "page", counted)
    async with opened(viewer) as one, opened(viewer) as two, opened(viewer) as three:
        everybody = (one, two, three)
        for each in everybody:
            await subscribe(each, "state=FAILURE")
        await settle(one)
        for each in (two, three):
            assert (await each.receive_json_from())["more"]
        asked.clear()
        await made("failed")
        for each in everybody:
            assert len((await each.receive_json_from())["tasks"]) == 1
        assert len(asked) == 1


@in_loop
async def test_who_may_not_search_texts_any_more_hears_no_more_of_what_they_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LiveConsumer, "recheck_seconds", 0.05)
    client = await sync_to_async(client_of)("view_task", "view_task_arguments")
    async with opened(client) as found:
        assert (await subscribe(found, "q=dhl"))["type"] == "subscribed"
        await sync_to_async(take_away)("view_task_arguments")
        assert (await found.receive_json_from())["type"] == "error"
        await made("succeeded")
        assert (await found.receive_json_from())["more"]


def take_away(codename: str) -> None:
    from django.contrib.auth.models import Permission

    Permission.objects.get(codename=codename).user_set.clear()


class OwnPolicy(AccessPolicy):
    """A project's own policy that shows only some rows."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.filter(name="shop.seen") if queryset.model is Task else queryset


@in_loop
async def test_a_policy_that_hides_rows_decides_what_is_told(
    viewer: Client, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OwnPolicy"}
    async with opened(viewer) as found:
        await subscribe(found, "state=failed")
        await settle(found)
        await made("failed", name="shop.hidden")
        assert await found.receive_nothing(0.1)
        task_id = await made("failed", name="shop.seen")
        assert (await found.receive_json_from())["tasks"] == [task_id]
