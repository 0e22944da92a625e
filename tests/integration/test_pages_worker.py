"""The page of one worker: its tabs, how old they are, who sees what, and asking for news."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Model, QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from django_celery_monitor.access.policy import AccessPolicy, M, User
from django_celery_monitor.models import CollectorRun, Inspection, Task, WorkerEvent, WorkerReply
from django_celery_monitor.views.worker_tabs import TABS
from tests.integration.made import HOST, a_collector, a_task, a_worker, client_of, root_client
from tests.integration.told import answered, held_task, replies, unanswered

pytestmark = pytest.mark.django_db

PAGE = reverse("celery_monitor:worker", args=[HOST])
ASK = reverse("celery_monitor:inspect", args=[HOST])
SCRIPTS = {"X-Requested-With": "monitor"}


@pytest.fixture(autouse=True)
def rows() -> None:
    a_collector()
    a_worker()


def tab(client: Client, key: str) -> str:
    response = client.get(PAGE, {"tab": key})
    assert response.status_code == 200
    return str(response.text)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("pool", ["max-concurrency", "11, 12, 13, 14", "inqueues", "total 4, active 0"]),
        ("queues", ["mail", "direct", "x-max-priority=9"]),
        ("active", ["shop.ship", "41", "carrier", "dhl", "4242"]),
        ("reserved", ["shop.ship", "carrier", "dhl"]),
        ("scheduled", ["shop.ship", "Dec. 1, 2026", "10:00:00"]),
        ("revoked", ["a-1"]),
        ("registered", ["shop.ship", "10/m", "acks_late", ">3</td>"]),
        ("configuration", ["task_default_queue", "software -&gt; dhl", "1 setting is as Celery"]),
        ("statistics", ["1,200", "redis", "12.5 s", "CPU time"]),
    ],
)
def test_each_tab_shows_what_was_told_and_when(key: str, expected: list[str]) -> None:
    answered(at=timezone.now() - timedelta(minutes=3))
    text = tab(root_client(), key)
    for each in expected:
        assert each in text
    assert "3 min ago" in text
    assert "hunter2" not in text
    assert "secret settings" not in text


@pytest.mark.parametrize("key", [key for key in TABS if TABS[key].parts])
def test_before_any_answer_a_tab_says_so(key: str) -> None:
    text = tab(root_client(), key)
    assert "Never asked" in text
    assert "Nothing was told yet" in text


def test_an_unknown_tab_is_the_overview() -> None:
    assert root_client().get(PAGE, {"tab": "nonsense"}).context["tab"] is TABS["overview"]


def test_what_was_told_in_short_stands_beside_the_charts() -> None:
    answered()
    a_task("failed")
    text = tab(root_client(), "overview")
    assert "prefork" in text
    assert "1 of 4" in text
    assert "2 h" in text
    assert "100.0 % of 1" in text


def test_the_history_is_bounded_and_newest_first() -> None:
    now = timezone.now()
    for minute in range(60):
        WorkerEvent.objects.create(
            worker=HOST, time=now - timedelta(minutes=minute), type="online", pid=minute + 1
        )
    WorkerEvent.objects.create(worker=HOST, time=now, type="lost")
    history = root_client().get(PAGE).context["history"]
    assert len(history) == 50
    assert history[0].type == "lost"


def test_a_worker_that_does_not_answer_says_since_when() -> None:
    answered(at=timezone.now() - timedelta(hours=2))
    unanswered(at=timezone.now() - timedelta(minutes=20))
    unanswered(at=timezone.now() - timedelta(minutes=10))
    text = tab(root_client(), "active")
    assert "No answer since" in text
    assert "20 min ago" in text
    assert "2 h ago" in text
    assert "shop.ship" in text
    assert "It does not answer when asked." in text
    assert "Does not answer when asked." in root_client().get("/monitor/workers/").text


def test_a_clock_that_is_off_is_warned_of() -> None:
    a_worker(clock_offset=-95.0)
    assert "Its clock is off" in tab(root_client(), "overview")
    assert "\N{MINUS SIGN}1 min 35 s" in root_client().get("/monitor/workers/").text


def test_asking_writes_a_row_and_the_page_says_so() -> None:
    client = root_client()
    response = client.post(ASK, {"tab": "active"})
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}?tab=active")
    assert Inspection.objects.get().wanted_at
    assert "Asked, waiting for the answer" in tab(client, "active")
    assert client.post(ASK, headers=SCRIPTS).status_code == 204


def test_without_a_collector_nobody_asks_and_the_page_says_that() -> None:
    client = root_client()
    client.post(ASK)
    later = timezone.now() + timedelta(hours=1)
    Inspection.objects.update(wanted_at=later)
    CollectorRun.objects.update(ended_at=timezone.now())
    assert "No collector is listening, so nobody asks" in tab(client, "active")


def test_a_page_that_had_it_gets_the_news_that_it_was_asked() -> None:
    client = root_client()
    first = client.get(PAGE)
    headers = {"If-None-Match": first["ETag"]}
    client.post(ASK)
    assert client.get(PAGE, headers=headers).status_code == 200


def test_looking_at_a_page_writes_nothing() -> None:
    client = root_client()
    for key in TABS:
        tab(client, key)
    assert not Inspection.objects.exists()


def test_however_many_pages_are_open_a_worker_is_asked_once_a_minute() -> None:
    client = root_client()
    answered(at=timezone.now() - timedelta(seconds=30))
    assert not client.get(PAGE).context["asks_itself"]
    client.post(ASK, {"by_itself": "1"}, headers=SCRIPTS)
    assert Inspection.objects.get().wanted_at is None
    client.post(ASK, headers=SCRIPTS)
    wanted = Inspection.objects.get().wanted_at
    assert wanted
    client.post(ASK, headers=SCRIPTS)
    assert Inspection.objects.get().wanted_at == wanted
    Inspection.objects.update(wanted_at=None, asked_at=timezone.now() - timedelta(seconds=61))
    assert client.get(PAGE).context["asks_itself"]


def test_a_worker_that_is_gone_is_not_asked_by_itself() -> None:
    a_worker(silent=500)
    assert not root_client().get(PAGE).context["asks_itself"]


def test_asking_takes_a_token_of_the_page() -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = root_client().cookies
    assert client.post(ASK).status_code == 403
    token = client.get(PAGE).context["csrf_token"]
    assert client.post(ASK, {"csrfmiddlewaretoken": str(token)}).status_code == 302


def test_an_unknown_worker_cannot_be_asked() -> None:
    url = reverse("celery_monitor:inspect", args=["celery@nobody"])
    assert root_client().post(url).status_code == 404
    assert not Inspection.objects.exists()


def test_arguments_take_their_own_right() -> None:
    answered()
    client = client_of("view_worker", "view_task")
    for key in ("active", "reserved", "scheduled"):
        text = tab(client, key)
        assert "shop.ship" in text
        assert "dhl" not in text


def test_tasks_take_the_right_to_see_tasks() -> None:
    answered()
    client = client_of("view_worker", "view_task_arguments")
    for key in ("active", "reserved", "scheduled", "revoked", "tasks"):
        text = tab(client, key)
        assert "django_celery_monitor.view_task<" in text
        assert "a-1" not in text


def test_the_configuration_takes_its_own_right() -> None:
    answered()
    text = tab(client_of("view_worker", "view_task"), "configuration")
    assert "django_celery_monitor.view_worker_configuration<" in text
    assert "task_default_queue" not in text
    both = client_of("view_worker", "view_worker_configuration")
    assert "task_default_queue" in tab(both, "configuration")


class OnlyMail(AccessPolicy):
    """Tasks of one name."""

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        model: type[Model] = queryset.model
        return queryset.filter(name="shop.mail") if model is Task else queryset


def test_a_policy_that_hides_tasks_hides_them_here_too(settings: Settings) -> None:
    mine, other = a_task("received", name="shop.mail"), a_task("received", name="shop.other")
    tasks = [held_task(mine, "shop.mail"), held_task(other, "shop.other"), held_task("unknown")]
    answered(raw=replies() | {"active": tasks, "revoked": [mine, other, "unknown"]})
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.OnlyMail"}
    client = root_client()
    text = tab(client, "active")
    assert "shop.mail" in text
    assert "shop.other" not in text
    assert "2 tasks are hidden from you." in text
    revoked = tab(client, "revoked")
    assert mine in revoked
    assert other not in revoked
    found = client.get(f"/monitor/api/v1/workers/{HOST}").json()["replies"]["active"]
    assert [each["id"] for each in found["content"]] == [mine]
    assert found["hidden"] == 2


def test_a_hostile_reply_breaks_no_tab() -> None:
    answered(raw=replies("<script>alert(1)</script>\0", "<img src=x>", "<b>{{ 7 }}</b>"))
    client = root_client()
    for key in TABS:
        text = tab(client, key)
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_replies_of_no_shape_break_no_tab() -> None:
    odd = {
        "stats": {"pool": "odd", "broker": ["x"], "rusage": 7, "total": None, "uptime": "soon"},
        "active_queues": [None, 3, {"name": None, "exchange": "x", "queue_arguments": [1]}],
        "active": [{}, "x", {"delivery_info": 5, "time_start": 1e300}],
        "reserved": [],
        "scheduled": [{"request": None}, {"request": {}, "eta": "soon"}],
        "revoked": [None, 5, {"a": 1}],
        "registered": [7, "", " [=]"],
        "conf": {"task_routes": [[["x"]]], "beat_schedule": 7},
        "report": {"ok": None},
    }
    answered(raw=odd)
    assert WorkerReply.objects.count() == len(odd)
    client = root_client()
    for key in TABS:
        tab(client, key)
    client.get("/monitor/workers/")


def test_no_tab_grows_with_what_was_told(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    tasks = [held_task(f"t-{number}") for number in range(1000)]
    answered(raw=replies() | {"active": tasks})
    client = root_client()
    client.get(PAGE)
    for key in TABS:
        with django_assert_max_num_queries(23 if key == "overview" else 13):
            response = client.get(PAGE, {"tab": key})
        assert len(response.content) < 300_000
    assert "The first 200 of 1,000." in tab(client, "active")
