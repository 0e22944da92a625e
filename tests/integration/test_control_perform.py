"""Acting without a worker: rights, what is refused before anything is sent, audit, brokers away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from celery import Celery
from django.db import DatabaseError
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.control import sending
from django_celery_monitor.control.acts.base import Act, Aim, Outcome, Result, Values
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import (
    AuditError,
    BadParametersError,
    DeniedError,
    UnavailableError,
    UnknownActError,
    UnknownTargetError,
)
from django_celery_monitor.control.perform import perform
from django_celery_monitor.control.way import Way
from django_celery_monitor.models import ControlAction, ControlTarget
from tests.integration.acting import _no_thread_is_left, control_threads
from tests.integration.collecting import app_on
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]


class Mails(AccessPolicy):
    """Everybody sees the tasks of one type, and one worker."""

    def visible(self, user: Any, queryset: Any) -> Any:
        names = {"Task": {"name": "mail"}, "Worker": {"hostname": "mail@h"}}
        return queryset.filter(**names.get(queryset.model.__name__, {}))


@pytest.fixture
def app() -> Celery:
    """Of a broker in memory, on which nobody answers."""
    return app_on("memory://")


@pytest.fixture
def deaf() -> Iterator[str]:
    """A broker that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_each_act_takes_its_own_right(act: Act, app: Celery) -> None:
    with pytest.raises(DeniedError, match=act.codename):
        perform(person("nobody"), act.name, {}, app=app)
    # With it, the parameters are looked at.
    with pytest.raises(BadParametersError):
        perform(person("somebody", act.codename), act.name, {"other": 1}, app=app)
    assert ControlAction.objects.get().outcome == Outcome.DENIED


def test_read_only_wins_over_superusers_and_programs(app: Celery, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"READ_ONLY": True}
    with pytest.raises(DeniedError, match="read-only"):
        perform(None, "shutdown", {"workers": "*"}, app=app)
    assert perform(None, "ping", {}, app=app).outcome == Outcome.NOBODY_ANSWERED


def test_what_nobody_knows_is_an_error_before_anything_is_sent(app: Celery) -> None:
    for act, parameters in (
        ("dance", {}),
        ("revoke", {"ids": ["a"]}),
        ("rate_limit", {"task": "shop.pay", "rate": "1/s"}),
        ("purge", {"queue": "mail"}),
    ):
        with pytest.raises((UnknownActError, UnknownTargetError)):
            perform(None, act, parameters, app=app)
    assert not ControlAction.objects.exists()


def test_a_worker_that_no_event_told_of_and_that_does_not_answer_is_unknown(app: Celery) -> None:
    with pytest.raises(UnknownTargetError, match="none answers to it"):
        perform(None, "pool_grow", {"workers": ["w@h"]}, app=app, name="me")
    action = ControlAction.objects.get()
    assert (action.outcome, action.user_name) == (Outcome.FAILED, "me")


def test_nobody_answered_is_an_outcome_of_its_own_and_says_who(app: Celery) -> None:
    a_worker("w1@h")
    a_task("a", name="shop.pay")
    user = person("ann", "revoke_task")
    action = perform(user, "revoke", {"ids": ["a"]}, app=app, reason="wrong price", source="api")
    action.refresh_from_db()
    assert action.outcome == Outcome.NOBODY_ANSWERED
    assert (action.user_id, action.user_name) == (str(user.pk), "ann")
    assert (action.reason, action.source, action.silent) == ("wrong price", "api", ["w1@h"])
    assert action.ended_at
    assert action.ended_at >= action.started_at
    [target] = action.targets.all()
    assert (target.kind, target.value) == (ControlTarget.Kind.TASK, "a")


def test_a_hundred_targets_are_listed_and_all_are_counted(app: Celery) -> None:
    ids = [f"t{number}" for number in range(150)]
    action = perform(None, "revoke", {"ids": ids, "unseen": True}, app=app, name="me")
    assert (action.target_count, action.targets.count()) == (150, 100)


def test_secrets_are_masked_before_they_are_kept(app: Celery) -> None:
    headers = {"api_key": ["hunter2"]}
    action = perform(
        None, "revoke_by_stamped_headers", {"headers": headers}, app=app, reason="token=hunter2"
    )
    action.refresh_from_db()
    kept = f"{action.reason} {action.arguments} {action.target_filter} {action.replies}"
    assert "hunter2" not in kept


def test_a_policy_that_narrows_rows_narrows_acts(app: Celery, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.Mails"}
    a_worker("mail@h")
    a_worker("pay@h")
    a_task("a", name="mail")
    a_task("b", name="pay")
    user = person("ann", "revoke_task", "control_worker")
    for act, parameters in (
        ("revoke", {"ids": ["a", "b"]}),
        ("revoke", {"ids": ["c"], "unseen": True}),
        ("rate_limit", {"task": "pay", "rate": "1/s"}),
        ("pool_grow", {"workers": ["pay@h"]}),
    ):
        with pytest.raises(UnknownTargetError):
            perform(user, act, parameters, app=app)
    with pytest.raises(DeniedError):
        perform(user, "revoke_by_stamped_headers", {"headers": {"a": "b"}}, app=app)
    assert perform(user, "revoke", {"ids": ["a"]}, app=app).target_count == 1
    action = perform(user, "rate_limit", {"task": "mail", "rate": "1/s"}, app=app)
    assert action.silent == ["mail@h"]


def test_what_cannot_be_recorded_is_not_done(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(ControlTarget.objects, "bulk_create", broken)
    # Who only asks changes nothing that had to be recorded.
    assert perform(None, "ping", {}, app=app).outcome == Outcome.NOBODY_ANSWERED
    assert not ControlAction.objects.exists()
    sent: list[str] = []
    monkeypatch.setattr(Way, "send", lambda _way, command, *_rest: sent.append(command))
    with pytest.raises(AuditError):
        perform(None, "revoke", {"ids": ["a"], "unseen": True}, app=app)
    assert not sent


def test_a_broker_that_is_down_is_an_error_that_says_that_nothing_was_sent() -> None:
    with pytest.raises(UnavailableError) as caught:
        perform(None, "revoke", {"ids": ["a"], "unseen": True}, app=app_on("redis://127.0.0.1:1/0"))
    assert not caught.value.sent
    assert caught.value.action
    assert ControlAction.objects.get().outcome == Outcome.FAILED


def test_a_broker_that_says_nothing_holds_nobody_longer_than_the_timeout(
    deaf: str, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"CONTROL_TIMEOUT": 1}
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="Nothing was sent"):
        perform(None, "revoke", {"ids": ["a"], "unseen": True}, app=app_on(deaf))
    assert time.monotonic() - begun < 2


class Waiting(Act):
    """Holds its thread until it is let go."""

    name = "waiting"
    codename = "view_worker"
    changes = False

    def __init__(self) -> None:
        self.go = threading.Event()
        self.runs = 0

    def aim(self, user: Any, values: Values) -> Aim:
        return Aim()

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        self.runs += 1
        assert self.go.wait(20)
        way.commit()
        return Result(outcome=Outcome.CONFIRMED)


def test_whoever_gave_up_waiting_will_not_see_it_sent_later(
    app: Celery, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"CONTROL_TIMEOUT": 1}
    act = Waiting()
    try:
        with pytest.raises(UnavailableError) as caught:
            perform(None, act, {}, app=app)
    finally:
        act.go.set()
    assert not caught.value.sent


def test_more_acts_than_threads_wait_and_then_say_so(app: Celery, settings: Settings) -> None:
    settings.CELERY_MONITOR = {"CONTROL_TIMEOUT": 1}
    acts = [Waiting() for _ in range(sending.THREADS + 1)]
    try:
        for act in acts[:-1]:
            act.changes = True  # type: ignore[misc]
            with pytest.raises(UnavailableError, match="too slowly"):
                sending.run(Way(app, 0.01), partial(act.run, Way(app, 9), {}, Aim()))
        assert len(control_threads()) == sending.THREADS
        with pytest.raises(UnavailableError, match="Too many"):
            perform(None, acts[-1], {}, app=app)
        assert acts[-1].runs == 0
    finally:
        for act in acts:
            act.go.set()


def test_the_same_question_at_the_same_time_is_asked_once(app: Celery) -> None:
    act, way = Waiting(), Way(app, 20)
    work = partial(act.run, way, {}, Aim())
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(sending.run, way, work, "same") for _ in range(3)]
        wait_until(lambda: act.runs == 1)
        act.go.set()
        found = [each.result(20) for each in asked]
    assert found[0].outcome == Outcome.CONFIRMED
    assert act.runs <= 2
