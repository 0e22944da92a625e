"""What the search box proposes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.integration.kept import a_task, an_error
from tests.integration.made import a_task as a_stored_task
from tests.integration.made import client_of, event, now, root_client, store

pytestmark = pytest.mark.django_db


def proposed(word: str, client: Client | None = None) -> list[tuple[str, str]]:
    response = (client or root_client()).get(reverse("celery_monitor:complete"), {"word": word})
    assert response.status_code == 200
    return [(each["insert"], each["count"]) for each in response.json()["items"]]


def test_keys_come_first_each_with_what_it_means() -> None:
    items = root_client().get(reverse("celery_monitor:complete")).json()["items"]
    assert items[0]["insert"] == "state:"
    assert all(each["hint"] for each in items)
    assert ("runtime:", "") in proposed("r")
    assert proposed("-que") == [("-queue:", "")]


def test_values_come_with_how_many_have_them() -> None:
    for _ in range(2):
        a_stored_task(name="shop.ship")
    a_stored_task("failed", name="mail.shout")
    assert proposed("task:sh") == [("task:shop.ship", "2"), ("task:mail.shout", "1")]
    assert proposed("state:fa")[0] == ("state:failed", "1")
    assert proposed("-state:lost,succ")[0] == ("-state:lost,succeeded", "2")
    assert proposed("queue:") == [("queue:mail", "3")]
    assert proposed("ship") == [("task:shop.ship", "2")]
    assert proposed("wait:>5")[0] == ("wait:>5m", "")


def test_a_slip_of_the_finger_is_forgiven() -> None:
    a_stored_task(name="shop.reindex")
    assert proposed("task:shop.reidnex") == [("task:shop.reindex", "1")]


def test_values_with_spaces_stand_in_quotes() -> None:
    a_task("a", queue='my "own", queue')
    assert proposed("queue:my") == [('queue:"my \\"own\\", queue"', "1")]


def test_types_of_failures_are_proposed_to_all_but_no_texts() -> None:
    a_task("a", kwargs="{'secret': 1}", exception="KeyError('secret')")
    an_error("a", type="KeyError", message="KeyError('secret')")
    client = client_of("view_task")
    assert proposed("error:", client) == [("error:KeyError", "1")]
    keys = [insert for insert, _count in proposed("", client)]
    assert "queue:" in keys
    assert not {"args:", "kwargs:", "result:"} & set(keys)
    for word in ("kwargs:", "args:sec", "secret", "result:", "id:"):
        assert all(insert == word for insert, _count in proposed(word, client))


def a_called_task(number: int, **own: Any) -> None:
    payload = json.dumps([["mail"], {"order": {"id": number, "secret": "••••"}, "to": "a b"}])
    said = event("published", f"p{number}", now(), "gen1@web", name="shop.pay", payload=payload)
    store(said | {"type": "monitor-published"} | own)


def test_arguments_are_proposed_by_their_paths_and_values() -> None:
    a_called_task(42)
    a_called_task(43)
    a_stored_task(kwargs="{'carrier': 'dhl', 'lines': [1]}", args="(7,)")
    assert proposed("kwar")[:2] == [("kwargs:", ""), ("kwargs.", "")]
    assert proposed("kwargs.or") == [("kwargs.order.id:", "2")]
    assert ("kwargs.order.id:", "2") in proposed("kwargs.ordre")
    assert ("-kwargs.carrier:", "1") in proposed("-kwargs.")
    assert proposed("kwargs.order.id:") == [
        ("kwargs.order.id:42", "1"),
        ("kwargs.order.id:43", "1"),
    ]
    assert proposed("kwargs.to:") == [('kwargs.to:"a b"', "2")]
    assert proposed("args.0:") == [("args.0:mail", "2"), ("args.0:7", "1")]


def test_arguments_are_proposed_to_nobody_who_may_not_see_them() -> None:
    a_called_task(42)
    client = client_of("view_task")
    assert (
        proposed("kwar", client) == proposed("kwargs.", client) == proposed("args.", client) == []
    )
    assert proposed("kwargs.order.id:", client) == [("kwargs.order.id:", "")]
    assert proposed("kwargs.order.id:4", client) == [("kwargs.order.id:4", "")]


@pytest.mark.parametrize(
    "word",
    [":", "-", "zebra:", "state:\0", 'task:"', "x" * 5000, "🙂:,,,", "kwargs..:", "args.x:1"],
)
def test_nothing_that_is_typed_crashes(word: str) -> None:
    a_stored_task()
    proposed(word)
