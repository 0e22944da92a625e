from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from django_celery_monitor.api.answers_of_workers import WorkerDetailOut, WorkerPage
from tests.integration.kept import a_collector, a_worker
from tests.integration.people import person, signed_in

pytestmark = pytest.mark.django_db

WORKERS = "/monitor/api/v1/workers"


@pytest.fixture
def client() -> Client:
    return signed_in(person("reader", "view_worker"))


def test_a_worker_has_these_fields(client: Client) -> None:
    a_collector()
    a_worker("w1@host", pid=7, active=2, processed=2**40, loadavg=[0.5, 1, 2.25], sw_ver="5.7.0")
    found = client.get(f"{WORKERS}/w1@host").json()
    times = {name: value for name, value in found.items() if name.endswith("_at")}
    assert set(times) == {
        *("first_seen_at", "arrived_at", "online_at", "offline_at", "heartbeat_at"),
        *("started_at", "wanted_at", "asked_at", "answered_at"),
    }
    assert times["arrived_at"].endswith("Z")
    assert found["silence"] < 60
    assert found["reason"]
    rest = set(found) - set(times) - {"silence", "reason"}
    assert {name: found[name] for name in rest} == {
        "hostname": "w1@host",
        "health": "online",
        "per_minute": 0.0,
        "freq": 2.0,
        "pid": 7,
        "active": 2,
        "processed": 2**40,
        "loadavg": [0.5, 1, 2.25],
        "sw_ident": None,
        "sw_ver": "5.7.0",
        "sw_sys": None,
        "clock_offset": None,
        "failed_share": None,
        **dict.fromkeys(("pool", "concurrency", "queues")),
        "silent_since": None,
        "replies": {},
    }
    page = client.get(WORKERS).json()
    assert [each["hostname"] for each in page["items"]] == ["w1@host"]
    assert page["next"] is None


@pytest.mark.parametrize(
    ("silence", "offline", "expected"),
    [(0, False, "online"), (600, False, "lost"), (9, True, "offline")],
)
def test_health_is_what_the_pages_say(
    client: Client, silence: int, offline: bool, expected: str
) -> None:
    a_collector()
    last = timezone.now() - timedelta(seconds=silence)
    times = dict.fromkeys(("arrived_at", "online_at", "heartbeat_at", "event_at"), last)
    a_worker("w1@host", offline_at=last if offline else None, **times)
    assert client.get(f"{WORKERS}/w1@host").json()["health"] == expected


def test_without_a_collector_silence_says_nothing(client: Client) -> None:
    last = timezone.now() - timedelta(hours=1)
    a_worker("w1@host", arrived_at=last, online_at=last, heartbeat_at=last, event_at=last)
    assert client.get(f"{WORKERS}/w1@host").json()["health"] == "unknown"


def test_workers_are_met_once_each_by_name(client: Client) -> None:
    names = [f"w{number:02}@host" for number in range(7)]
    for name in reversed(names):
        a_worker(name)
    met: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"{WORKERS}?limit=3&cursor={quote(cursor)}").json()
        met += [each["hostname"] for each in page["items"]]
        cursor = page["next"]
    assert met == names


@pytest.mark.parametrize("hostname", ["celery@a/b", "žluť@☃", "w 1@host"])
def test_a_host_name_may_be_any_text(client: Client, hostname: str) -> None:
    a_worker(hostname)
    found = client.get(f"{WORKERS}/{quote(hostname, safe='')}")
    assert found.json()["hostname"] == hostname


def test_an_unknown_worker(client: Client) -> None:
    found = client.get(f"{WORKERS}/nobody@nowhere")
    assert (found.status_code, found["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("query", ["limit=0", "state=FAILURE"])
def test_what_cannot_be_understood_is_said_so(client: Client, query: str) -> None:
    assert client.get(f"{WORKERS}?{query}").status_code == 400


def test_answers_are_what_the_document_says(client: Client) -> None:
    a_worker("w1@host", freq=None, offline_at=timezone.now())
    WorkerPage.model_validate_json(client.get(WORKERS).content, extra="forbid")
    WorkerDetailOut.model_validate_json(client.get(f"{WORKERS}/w1@host").content, extra="forbid")
