"""Acts on many tasks, a batch at a time: crashes, stops, limits, and rights that are taken away."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.access.policy import AccessPolicy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control import verbs
from django_celery_monitor.control.acts.base import Act, Judged, Result, Verdict
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import (
    BadParametersError,
    ControlError,
    DeniedError,
    UnavailableError,
    UnknownActError,
)
from django_celery_monitor.control.operations import Chosen, begin, parsed, resume, stop
from django_celery_monitor.control.verbs import Verb
from django_celery_monitor.control.way import Road
from django_celery_monitor.models import ControlAction, Operation, OperationItem, Task
from django_celery_monitor.upkeep import retention
from django_celery_monitor.upkeep.operations import Runner
from tests.integration.kept import a_task
from tests.integration.people import person

pytestmark = pytest.mark.django_db

Status = Operation.Status
NOW = timezone.now()
DONE = Result(replies={"w1@host": Judged(Verdict.DONE, "flagged")})


class Crash(BaseException):
    """The process ends."""


class Broker:
    """Notes what it is told, in the place of ``control.perform.step``."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fails: dict[str, BaseException] = {}
        self.answer = DONE

    def __call__(self, user: Any, act: Act, parameters: Mapping[str, Any], road: Road) -> Result:
        ids = parameters.get("ids") or [parameters["id"]]
        for each in ids:
            if each in self.fails:
                raise self.fails[each]
        self.told += ids
        return self.answer


class Mails(AccessPolicy):
    """Everybody sees the tasks of one type."""

    def visible(self, user: Any, queryset: Any) -> Any:
        return queryset.filter(name="mail") if queryset.model is Task else queryset


@pytest.fixture
def ana(db: None) -> User:
    return person("ana", "view_task", "revoke_task", "retry_task", "terminate_task")


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two tasks, which are sent one by one as retries are."""
    verb = Verb(act=ACTS["revoke"], groups=frozenset({"waiting"}), most=2, together=False)
    monkeypatch.setitem(verbs.VERBS, "revoke", verb)
    monkeypatch.setattr(ACTS["revoke"], "validated", lambda given: {"unseen": False, **given})


def runner(broker: Broker) -> Runner:
    return Runner(Celery(set_as_current=False), "default", broker)


def waiting(*names: str, ago: int = 60) -> None:
    for n, name in enumerate(names):
        time = timezone.now() - timedelta(seconds=ago + n)
        a_task(name, state="PENDING", time=time)


def all_of(query: str = "state=waiting", **chosen: Any) -> Chosen:
    return Chosen(expression=parsed(query), **chosen)


def finish(broker: Broker) -> None:
    each = runner(broker)
    while each.step(0.0):
        pass


def statuses(operation: Operation) -> dict[str, str]:
    return dict(operation.items.values_list("task_id", "status"))


def fresh(operation: Operation) -> Operation:
    operation.refresh_from_db()
    return operation


def test_all_that_match_are_done_in_one_operation_with_one_entry_in_the_audit(
    ana: User, broker: Broker
) -> None:
    waiting("a", "b", "c")
    a_task("ended")
    operation = begin(ana, "revoke", all_of(), reason="wrong price")
    assert (operation.status, broker.told) == (Status.QUEUED, [])
    finish(broker)
    assert sorted(broker.told) == ["a", "b", "c"]
    fresh(operation)
    assert (operation.status, operation.matched, operation.done) == (Status.FINISHED, 3, 3)
    assert operation.started_at
    assert operation.ended_at
    action = ControlAction.objects.get()
    assert (action.act, action.reason, action.source) == ("revoke", "wrong price", "operation")
    assert (action.target_count, action.target_filter) == (3, "state:waiting")
    assert (action.outcome, action.user_name) == ("confirmed", "ana")


def test_what_was_being_sent_when_the_collector_died_is_unclear_and_never_sent_again(
    ana: User, broker: Broker, few: None
) -> None:
    waiting("a", "b", "c", "d", "e")
    operation = begin(ana, "revoke", all_of())
    dying = runner(broker)
    broker.fails["b"] = Crash()
    dying.step(0.0)
    with pytest.raises(Crash):
        dying.step(0.0)
    # As a process that was killed leaves it.
    OperationItem.objects.filter(task_id__in="ab").update(status="sending")
    Operation.objects.update(done=0)
    broker.fails.clear()
    finish(broker)
    found = statuses(operation)
    assert (found.pop("a"), found.pop("b")) == ("unclear", "unclear")
    assert set(found.values()) == {"done"}
    assert broker.told == ["a", "c", "d", "e"]
    fresh(operation)
    assert (operation.unclear, operation.done, operation.status) == (2, 3, Status.FINISHED)


def test_sending_is_committed_before_anything_is_sent(ana: User, broker: Broker, few: None) -> None:
    waiting("a")
    operation = begin(ana, "revoke", Chosen(ids=["a"]))
    seen = []

    def look(user: Any, act: Act, parameters: Mapping[str, Any], road: Road) -> Result:
        item = operation.items.get()
        seen.append((item.status, item.new_id == parameters["new_id"]))
        return DONE

    Runner(Celery(set_as_current=False), "default", look).step(0.0)
    assert seen == [("sending", True)]
    assert operation.items.get().new_id == str(uuid.uuid5(operation.pk, "a"))


def test_an_operation_is_stopped_and_resumed_where_it_was(
    ana: User, broker: Broker, few: None
) -> None:
    waiting("a", "b", "c", "d")
    operation = begin(ana, "revoke", all_of())
    each = runner(broker)
    each.step(0.0)
    each.step(0.0)
    stop(ana, operation)
    assert fresh(operation).status == Status.STOPPING
    assert each.step(0.0)
    assert not each.step(0.0)
    assert (fresh(operation).status, operation.done, broker.told) == (Status.STOPPED, 2, ["a", "b"])
    assert ControlAction.objects.get().outcome == "partly"
    resume(ana, operation)
    finish(broker)
    assert broker.told == ["a", "b", "c", "d"]
    assert fresh(operation).status == Status.FINISHED
    assert ControlAction.objects.get().outcome == "confirmed"


def test_what_has_not_begun_stops_at_once(ana: User, broker: Broker) -> None:
    operation = begin(ana, "revoke", Chosen(ids=["a"]))
    stop(ana, operation)
    assert fresh(operation).status == Status.STOPPED
    assert not runner(broker).step(0.0)


def test_an_operation_that_is_taken_away_sends_nothing_more(
    ana: User, broker: Broker, few: None
) -> None:
    waiting("a", "b", "c", "d")
    begin(ana, "revoke", Chosen(ids=list("abcd")))
    one, other = runner(broker), runner(broker)
    one.step(0.0)
    other.step(0.0)
    assert broker.told == ["a", "b", "c", "d"]
    assert not OperationItem.objects.exclude(status="done").exists()


def test_tasks_that_came_later_are_not_meant(ana: User, broker: Broker) -> None:
    waiting("a")
    operation = begin(ana, "revoke", all_of(bound=timezone.now()))
    a_task("later", state="PENDING", time=timezone.now() + timedelta(seconds=1))
    future = begin(ana, "revoke", all_of(bound=timezone.now() + timedelta(days=1)))
    finish(broker)
    assert statuses(operation) == {"a": "done"}
    assert statuses(future) == {"a": "done"}


def test_ages_in_a_filter_count_from_the_moment_it_was_confirmed(ana: User, broker: Broker) -> None:
    waiting("a")
    operation = begin(ana, "revoke", all_of("state=waiting&after=2h&-before=1h"))
    assert "2h" not in operation.filter
    finish(broker)
    assert statuses(operation) == {"a": "done"}


def test_what_is_over_or_gone_is_skipped(ana: User, broker: Broker) -> None:
    waiting("a", "b")
    operation = begin(ana, "revoke", all_of())
    each = runner(broker)
    each.step(0.0)
    Task.objects.filter(pk="a").update(state="SUCCESS")
    Task.objects.filter(pk="b").delete()
    finish(broker)
    messages = dict(operation.items.values_list("task_id", "message"))
    assert messages == {"a": "Already SUCCESS.", "b": "It is not kept any more."}
    assert (fresh(operation).skipped, broker.told) == (2, [])
    assert ControlAction.objects.get().outcome == "failed"


def test_one_bad_task_fails_alone(ana: User, broker: Broker) -> None:
    waiting("a", "b", "c", "d", "e")
    broker.fails["c"] = ControlError("no such thing")
    operation = begin(ana, "revoke", all_of())
    finish(broker)
    found = statuses(operation)
    assert found.pop("c") == "failed"
    assert set(found.values()) == {"done"}
    again = begin(ana, "revoke", Chosen(of=operation))
    broker.fails.clear()
    finish(broker)
    assert statuses(again) == {"c": "done"}


def test_an_unexpected_error_leaves_it_unclear(ana: User, broker: Broker) -> None:
    waiting("a")
    broker.fails["a"] = RuntimeError("what")
    operation = begin(ana, "revoke", all_of())
    finish(broker)
    assert operation.items.get().message == "RuntimeError: what"
    assert fresh(operation).unclear == 1


def test_more_than_may_be_is_refused_before_anything_is_done(
    ana: User, broker: Broker, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"OPERATION_MAX": 2}
    waiting("a", "b", "c")
    operation = begin(ana, "revoke", all_of())
    finish(broker)
    assert (fresh(operation).status, broker.told) == (Status.STOPPED, [])
    assert operation.detail == "More than 2 tasks match: narrow the filter."
    with pytest.raises(BadParametersError):
        begin(ana, "revoke", Chosen(ids=["a", "b", "c"]))


def test_rights_that_were_taken_away_stop_it(ana: User, broker: Broker, few: None) -> None:
    waiting("a", "b", "c")
    operation = begin(ana, "revoke", Chosen(ids=list("abc")))
    each = runner(broker)
    each.step(0.0)
    ana.user_permissions.clear()
    each.step(0.0)
    assert (fresh(operation).status, broker.told) == (Status.STOPPED, ["a", "b"])
    assert "django_celery_monitor.revoke_task" in operation.detail


def test_who_is_gone_or_locked_out_does_nothing_any_more(ana: User, broker: Broker) -> None:
    waiting("a")
    begin(ana, "revoke", all_of())
    second = begin(ana, "revoke", all_of())
    ana.is_active = False
    ana.save()
    finish(broker)
    resume(person("bob", "revoke_task"), second)
    ana.delete()
    finish(broker)
    assert broker.told == []
    assert fresh(second).detail == "The account of ana is gone."


def test_tasks_that_the_person_may_not_see_are_not_touched(
    ana: User, broker: Broker, settings: Settings
) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.Mails"}
    waiting("a", "b")
    Task.objects.filter(pk="a").update(name="mail")
    by_filter = begin(ana, "revoke", all_of())
    by_id = begin(ana, "revoke", Chosen(ids=["a", "b"]))
    finish(broker)
    assert statuses(by_filter) == {"a": "done"}
    assert statuses(by_id) == {"a": "done", "b": "skipped"}


def test_a_broker_that_is_away_stops_it_and_what_was_not_sent_waits(
    ana: User, broker: Broker, few: None
) -> None:
    waiting("a", "b")
    operation = begin(ana, "revoke", Chosen(ids=["a", "b"]))
    broker.fails["b"] = UnavailableError("The broker does not answer")
    finish(broker)
    assert statuses(operation) == {"a": "done", "b": "waiting"}
    assert fresh(operation).detail == "The broker does not answer"
    broker.fails["b"] = UnavailableError("too slow", sent=True)
    resume(ana, operation)
    finish(broker)
    assert statuses(operation) == {"a": "done", "b": "unclear"}


def test_what_could_not_be_noted_is_unclear(
    ana: User, broker: Broker, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting("a", "b", "c")
    operation = begin(ana, "revoke", Chosen(ids=list("abc")))
    each = runner(broker)
    with monkeypatch.context() as patched:
        patched.setattr(
            "django_celery_monitor.upkeep.operations.note",
            lambda *_: (_ for _ in ()).throw(OperationalError("gone")),
        )
        with pytest.raises(OperationalError):
            each.step(0.0)
    while each.step(0.0):
        pass
    assert statuses(operation) == {"a": "unclear", "b": "unclear", "c": "done"}
    assert broker.told == ["a", "b", "c"]


def test_between_batches_it_rests_and_others_go_on(ana: User, broker: Broker, few: None) -> None:
    waiting("a", "b", "c", "d")
    begin(ana, "revoke", Chosen(ids=list("abc")), rest=10.0)
    each = runner(broker)
    each.step(0.0)
    assert not each.step(9.0)
    begin(ana, "revoke", Chosen(ids=["d"]))
    while each.step(9.0):
        pass
    assert broker.told == ["a", "b", "d"]
    assert each.step(10.0)
    assert broker.told[-1] == "c"


def test_nobody_answered_is_no_success(ana: User, broker: Broker) -> None:
    waiting("a")
    broker.answer = Result()
    operation = begin(ana, "revoke", all_of())
    finish(broker)
    assert operation.items.get().message == "No worker answered."
    assert (fresh(operation).unclear, ControlAction.objects.get().outcome) == (1, "unclear")


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (Result(replies={"w": Judged(Verdict.REFUSED, "no")}), "failed", "no"),
        (Result(replies={"w": Judged(Verdict.UNCLEAR, "hm")}), "unclear", "hm"),
        (
            Result(replies={"w": Judged(Verdict.DONE, "")}, silent=["x", "y"]),
            "done",
            "Workers that did not answer: 2.",
        ),
    ],
)
def test_replies_are_judged(
    answer: Result, status: str, message: str, ana: User, broker: Broker
) -> None:
    waiting("a")
    broker.answer = answer
    operation = begin(ana, "revoke", all_of())
    finish(broker)
    assert operation.items.values_list("status", "message").get() == (status, message)


def test_what_is_wrong_is_said_before_there_is_an_operation(ana: User) -> None:
    nobody = person("nobody", "view_task")
    for who, act, chosen, error in (
        (nobody, "revoke", Chosen(ids=["a"]), DeniedError),
        (ana, "ping", Chosen(ids=["a"]), UnknownActError),
        (ana, "revoke", Chosen(), BadParametersError),
        (ana, "revoke", Chosen(ids=["\0"]), BadParametersError),
        (ana, "revoke", all_of("q=secret"), DeniedError),
    ):
        with pytest.raises(error):
            begin(who, act, chosen)
    for wrong in ({"rest": 3.0}, {"parameters": {"what": 1}}, {"reason": "x" * 1001}):
        with pytest.raises(BadParametersError):
            begin(ana, "revoke", Chosen(ids=["a"]), **wrong)
    assert not Operation.objects.exists()
    assert not ControlAction.objects.exclude(outcome="denied").exists()


def test_the_same_id_twice_is_one_task(ana: User, broker: Broker) -> None:
    waiting("a")
    operation = begin(ana, "revoke", Chosen(ids=["a", "a"]))
    finish(broker)
    assert (fresh(operation).matched, broker.told) == (1, ["a"])


def test_old_operations_go_with_their_items(ana: User) -> None:
    for days in (91, 89):
        operation = begin(ana, "revoke", Chosen(ids=["a", "b"]))
        ended = timezone.now() - timedelta(days=days)
        Operation.objects.filter(pk=operation.pk).update(ended_at=ended, status=Status.FINISHED)
    begin(ana, "revoke", Chosen(ids=["a"]))
    list(retention.sweep(get_settings(), timezone.now(), "default"))
    assert (Operation.objects.count(), OperationItem.objects.count()) == (2, 3)


def test_a_verb_makes_sense_where_states_fit() -> None:
    revoke = verbs.VERBS["revoke"]
    for query, makes_sense in (
        ("", True),
        ("name=a", True),
        ("state=waiting", True),
        ("state=failed", False),
        ("state=failed&state=retrying", True),
        ("-state=failed", True),
        ("state=PENDING", True),
        ("state=SUCCESS&name=a", False),
    ):
        assert revoke.makes_sense(parsed(query)) == makes_sense, query
