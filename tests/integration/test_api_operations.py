"""Operations by REST; what carries them out has tests of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from django_celery_monitor.models import ControlAction, Operation, OperationItem
from tests.integration.kept import a_task
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

OPERATIONS = "/monitor/api/v1/operations"


def ann(*rights: str) -> Client:
    return signed_in(person("ann", "view_task", "revoke_task", "retry_task", *rights))


def begin(client: Client, **given: Any) -> Any:
    return client.post(OPERATIONS, json.dumps(given), content_type="application/json")


def test_it_begins_with_ids_and_is_found_again() -> None:
    client = ann()
    a_task("a", state="PENDING")
    found = begin(client, act="revoke", ids=["a", "b", "a"], reason="wrong price")
    assert found.status_code == 200
    told = found.json()
    assert (told["act"], told["status"], told["matched"]) == ("revoke", "queued", 2)
    assert (told["user"], told["reason"], told["groups"]) == ("ann", "wrong price", [])
    assert ControlAction.objects.get().pk == told["action"]
    assert client.get(f"{OPERATIONS}/{told['id']}").json() == told
    listed = client.get(OPERATIONS).json()
    assert listed["items"] == [{key: told[key] for key in told if key != "groups"}]
    assert listed["next"] is None


def test_it_begins_with_a_filter_up_to_a_moment() -> None:
    found = begin(
        ann(), act="retry", filter="state=failed&queue=mail", bound="2026-01-31T14:00:00Z"
    )
    assert found.status_code == 200
    assert found.json()["bound"] == "2026-01-31T14:00:00Z"
    assert "mail" in found.json()["filter"]
    assert not OperationItem.objects.exists()


def test_it_is_stopped_and_resumed() -> None:
    client = ann()
    url = f"{OPERATIONS}/{begin(client, act='revoke', ids=['a']).json()['id']}"
    assert client.post(f"{url}/stop").json()["status"] == "stopped"
    assert client.post(f"{url}/resume").json()["status"] == "queued"


def test_what_failed_is_tried_again() -> None:
    client = ann()
    first = begin(client, act="revoke", ids=["a", "b"]).json()
    Operation.objects.update(status="finished")
    again = begin(client, act="revoke", of=first["id"])
    assert (again.status_code, again.json()["of"]) == (200, first["id"])


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"ids": ["a"]}, 404, "No operation can do"),
        ({"act": "rate_limit", "ids": ["a"]}, 404, "rate_limit"),
        ({"act": "revoke"}, 400, "ids"),
        ({"act": "revoke", "ids": "a"}, 400, "ids"),
        ({"act": "revoke", "ids": [1]}, 400, "ids"),
        ({"act": "revoke", "ids": ["a"], "rest": 0.3}, 400, "rest"),
        ({"act": "revoke", "ids": ["a"], "rest": True}, 400, "rest"),
        ({"act": "revoke", "ids": ["a"], "speed": 3}, 400, "speed"),
        ({"act": "revoke", "filter": "sate=failed"}, 400, "sate"),
        ({"act": "revoke", "filter": "state=failed&sate=lost"}, 400, "sate"),
        ({"act": "revoke", "filter": ""}, 400, "every task"),
        ({"act": "revoke", "filter": "state="}, 400, "every task"),
        ({"act": "revoke", "filter": "state=failed", "bound": "soon"}, 400, "soon"),
        ({"act": "revoke", "of": "none"}, 400, "of"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_begins(
    given: dict[str, Any], status: int, says: str
) -> None:
    found = begin(ann(), **given)
    assert (found.status_code, found["Content-Type"]) == (status, "application/problem+json")
    assert says in found.json()["detail"]
    assert not Operation.objects.exists()


def test_it_takes_the_right_of_the_act_and_of_its_filter() -> None:
    client = signed_in(person("bob", "view_task"))
    assert begin(client, act="revoke", ids=["a"]).status_code == 403
    assert begin(ann(), act="revoke", filter="q=secret").status_code == 403
    assert not Operation.objects.exists()


def test_another_persons_is_not_there() -> None:
    url = f"{OPERATIONS}/{begin(ann(), act='revoke', ids=['a']).json()['id']}"
    stranger = signed_in(person("bob", "view_task", "revoke_task"))
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}/stop").status_code == 404
    assert stranger.get(OPERATIONS).json()["items"] == []
    auditor = signed_in(person("eve", "view_task", "view_controlaction"))
    assert auditor.get(url).status_code == 200


def test_read_only_begins_nothing(settings: Settings) -> None:
    client = ann()
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": True}
    assert begin(client, act="revoke", ids=["a"]).status_code == 403
