from __future__ import annotations

import copy

from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.event_set import union
from tests.streams import CLIENT, NAME, OTHER, START, WORKER, event, facts

SENT, RECEIVED, STARTED = event("sent", 0), event("received", 1), event("started", 2)
SUCCEEDED = event("succeeded", 3, result="42", runtime=0.9)
FAILED = event("failed", 3, exception="KeyError('x')", traceback="KeyError: 'x'")
# What the main process says when a child is gone; decoding puts the true class in its place.
LOST = "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 1.')"


def test_a_whole_life() -> None:
    found = facts(SENT, RECEIVED, STARTED, SUCCEEDED)
    assert (found.name, found.state, found.known_by) == (NAME, "SUCCESS", "worker")
    assert [found.sent, found.received, found.started, found.finished] == [
        *(START, START + 1, START + 2, START + 3)
    ]
    assert (found.time, found.updated) == (START, START + 3)
    assert (found.worker, found.queue) == (WORKER, "celery")
    assert (found.args, found.kwargs, found.result, found.runtime) == ("(1,)", "{}", "42", 0.9)
    assert (found.exception, found.retries, found.running_again) == ("", 0, False)


def test_the_states_on_the_way() -> None:
    life = [SENT, RECEIVED, STARTED, event("progress", 2.5), SUCCEEDED]
    states = [facts(*life[:count]).state for count in range(1, 6)]
    assert states == ["PENDING", "RECEIVED", "STARTED", "PROGRESS", "SUCCESS"]


def test_finals_outrank_each_other_whatever_their_times() -> None:
    ends = [
        event("revoked", 9),
        event("failed", 8),
        event("rejected", 7),
        event("succeeded", 6),
    ]
    states = [facts(RECEIVED, *ends[:count]).state for count in range(1, 5)]
    assert states == ["REVOKED", "FAILURE", "REJECTED", "SUCCESS"]


def test_of_equally_strong_ends_the_latest_counts() -> None:
    deliveries = [event("received", 1), event("received", 1, OTHER)]
    found = facts(
        *deliveries, event("succeeded", 5, result="a"), event("succeeded", 4, OTHER, result="b")
    )
    assert (found.result, found.worker) == ("a", WORKER)


def test_a_later_attempt_rules_over_a_stronger_earlier_one() -> None:
    again = event("received", 4, retries=1)
    assert facts(RECEIVED, STARTED, FAILED, again).state == "RECEIVED"
    assert facts(RECEIVED, STARTED, FAILED, again, event("started", 5)).state == "STARTED"


def test_a_delivery_that_starts_after_the_end_shows_beside_the_state() -> None:
    again = [event("received", 10, OTHER), event("started", 11, OTHER)]
    assert not facts(RECEIVED, STARTED, SUCCEEDED, again[0]).running_again
    found = facts(RECEIVED, STARTED, SUCCEEDED, *again)
    assert (found.state, found.worker, found.running_again) == ("SUCCESS", WORKER, True)
    ended = facts(RECEIVED, STARTED, SUCCEEDED, *again, event("failed", 12, OTHER))
    assert (ended.state, ended.running_again) == ("SUCCESS", False)


def test_a_delivery_that_was_running_before_the_end_is_not_running_again() -> None:
    found = facts(
        RECEIVED, STARTED, event("received", 2, OTHER), event("started", 2.5, OTHER), SUCCEEDED
    )
    assert not found.running_again


def test_arguments_are_the_earliest_senders_else_the_earliest_receivers() -> None:
    received = event("received", 1, args="(r,)", kwargs="{r}")
    again = event("received", 9, args="(late,)", kwargs="{late}")
    assert facts(received, again).args == "(r,)"
    found = facts(received, event("sent", 2, args="(s,)", kwargs=""), event("sent", 5, args="(x,)"))
    assert (found.args, found.kwargs) == ("(s,)", "{r}")


def test_the_name_is_the_workers_word_else_the_senders() -> None:
    assert facts(SENT, event("received", 1, name="shadow")).name == "shadow"
    assert facts(SENT, event("received", 1, name="")).name == NAME


def test_times_and_family_are_those_of_the_latest_attempt() -> None:
    found = facts(
        event("sent", 0, retries=0, root_id="r", parent_id="p"),
        event("sent", 5, retries=1, root_id="r", parent_id="p", eta=START + 60, expires=START + 90),
        event("received", 6, retries=0, root_id="x"),
    )
    assert (found.retries, found.sent, found.eta) == (1, START + 5, START + 60)
    assert (found.expires, found.root_id, found.parent_id) == (START + 90, "r", "p")


def test_a_task_given_back_is_delivered_again() -> None:
    given_back = event("rejected", 3, requeue=True)
    assert facts(RECEIVED, STARTED, given_back).state == "PENDING"
    again = facts(RECEIVED, STARTED, given_back, event("received", 4, OTHER))
    assert (again.state, again.worker) == ("RECEIVED", OTHER)


def test_a_task_cancelled_with_its_connection_runs_again_in_the_same_attempt() -> None:
    """The backend says RETRY until then; the message itself goes back with its old number."""
    cancelled = event("cancelled", 3)
    assert facts(RECEIVED, STARTED, cancelled).state == "RETRY"
    again = event("received", 4, OTHER)
    assert facts(RECEIVED, STARTED, cancelled, again).state == "RECEIVED"
    assert facts(RECEIVED, STARTED, cancelled, again, event("started", 5, OTHER)).worker == OTHER


def test_a_delivery_that_runs_shows_before_one_that_only_waits() -> None:
    found = facts(RECEIVED, STARTED, event("received", 60, OTHER))
    assert (found.state, found.worker) == ("STARTED", WORKER)


def test_retries_that_end_in_every_way() -> None:
    retry = [
        SENT,
        RECEIVED,
        STARTED,
        event("sent", 2.4, retries=1),
        event("retried", 2.5, exception="OSError()"),
    ]
    found = facts(*retry)
    assert (found.state, found.exception, found.retries) == ("RETRY", "OSError()", 1)
    assert (found.finished, found.result) == (None, "")
    second = [event("received", 3, retries=1), event("started", 4)]
    assert facts(*retry, *second).state == "STARTED"
    found = facts(*retry, *second, event("succeeded", 5, result="1"))
    assert (found.state, found.exception, found.retries) == ("SUCCESS", "", 1)


# What `celery.events.state.State` gets wrong, row by row.


def test_a_retry_that_arrives_after_the_success_changes_nothing() -> None:
    late = event("retried", 2.5)
    assert facts(RECEIVED, STARTED, SUCCEEDED, late).state == "SUCCESS"


def test_a_rejected_task_is_rejected_though_it_was_received_or_started() -> None:
    assert facts(RECEIVED, event("rejected", 3)).state == "REJECTED"
    assert facts(RECEIVED, STARTED, event("rejected", 3)).state == "REJECTED"


def test_a_late_start_moves_no_time_back() -> None:
    on_time, late = [RECEIVED, STARTED, SUCCEEDED], [RECEIVED, SUCCEEDED, STARTED]
    assert derive(union(union([], late[:2]), late[2:])) == facts(*on_time)
    assert facts(*on_time).updated == START + 3


def test_a_late_sending_makes_the_client_no_worker() -> None:
    found = derive(union([RECEIVED, STARTED, SUCCEEDED], [SENT]))
    assert (found.worker, found.updated, found.state) == (WORKER, START + 3, "SUCCESS")


def test_a_second_delivery_of_a_finished_task_keeps_when_it_was_received() -> None:
    found = facts(RECEIVED, STARTED, SUCCEEDED, event("received", 50, OTHER))
    assert (found.state, found.received, found.worker) == ("SUCCESS", START + 1, WORKER)


def test_a_failure_and_a_success_leave_no_exception_on_the_task() -> None:
    success = event("succeeded", 4, result="42")
    early = event("succeeded", 2.5, result="42")
    for found in (facts(RECEIVED, STARTED, FAILED, success), facts(RECEIVED, early, FAILED)):
        assert (found.state, found.exception, found.result) == ("SUCCESS", "", "42")


def test_a_task_first_seen_as_started_belongs_to_its_worker() -> None:
    found = facts(STARTED)
    assert (found.worker, found.state, found.name, found.time) == (WORKER, "STARTED", "", START + 2)
    assert derive(union([STARTED], [RECEIVED])).name == NAME


def test_a_task_first_seen_as_sent_belongs_to_no_worker() -> None:
    found = facts(SENT)
    assert (found.worker, found.known_by, found.state) == ("", "sender", "PENDING")
    assert CLIENT not in found


def test_a_task_revoked_amid_a_state_of_the_apps_own_is_revoked() -> None:
    assert facts(RECEIVED, STARTED, event("progress", 2.5), event("revoked", 3)).state == "REVOKED"


def test_a_task_that_outlived_ten_thousand_others_keeps_its_name() -> None:
    """Nothing is evicted: what was known of it waits in its own row."""
    assert derive(union([SENT, RECEIVED], [SUCCEEDED])).name == NAME


def test_a_parent_is_a_name_that_is_not_looked_up() -> None:
    found = facts(event("received", 1, parent_id="not seen", root_id="not seen"))
    assert (found.parent_id, found.root_id) == ("not seen", "not seen")


def test_events_are_left_as_they_were() -> None:
    events = [SENT, RECEIVED, STARTED, FAILED]
    before = copy.deepcopy(events)
    facts(*events)
    assert events == before


# What workers do that breaks monitors, row by row; recorded from Celery 5.7.


def test_a_killed_child_fails_its_task() -> None:
    found = facts(SENT, RECEIVED, STARTED, event("failed", 3, exception=LOST))
    assert (found.state, found.exception) == ("FAILURE", LOST)


def test_a_hard_time_limit_fails_its_task_once_though_it_is_told_twice() -> None:
    text = "TimeLimitExceeded('TimeLimitExceeded(1,)')"
    twice = [event("failed", 3, exception=text), event("failed", 3.01, exception=text)]
    found = facts(SENT, RECEIVED, STARTED, *twice)
    assert (found.state, found.exception) == ("FAILURE", text)
    assert [run.outcome for run in found.runs] == ["failed"]


def test_a_soft_time_limit_fails_its_task() -> None:
    text = "SoftTimeLimitExceeded()"
    assert facts(RECEIVED, STARTED, event("failed", 3, exception=text)).exception == text


def test_an_ignored_task_stays_started_since_its_worker_says_no_more() -> None:
    assert facts(SENT, RECEIVED, STARTED).state == "STARTED"


def test_a_rejected_task_keeps_the_reason_that_newer_workers_give() -> None:
    text = "reject requeue=False: no"
    failed, rejected = event("failed", 3, clock=29, exception=text), event("rejected", 3, clock=30)
    found = facts(RECEIVED, STARTED, failed, rejected)
    assert (found.state, found.exception) == ("REJECTED", text)
    assert facts(RECEIVED, STARTED, failed).state == "REJECTED"
    assert facts(RECEIVED, STARTED, rejected).state == "REJECTED"


def test_a_child_that_always_dies_is_given_back_for_ever() -> None:
    deaths = [
        event(kind, 10 * turn + step, requeue=kind == "rejected")
        for turn in range(100)
        for step, kind in enumerate(("received", "started", "rejected"))
    ]
    found = facts(SENT, *deaths)
    assert (found.state, found.finished, found.running_again) == ("PENDING", None, False)
    assert {run.outcome for run in found.runs} == {"requeued"}
    assert facts(SENT, *deaths, event("received", 1000)).state == "RECEIVED"


def test_a_task_revoked_while_it_waits_for_its_time() -> None:
    found = facts(
        event("sent", 0, eta=START + 9), event("received", 1, eta=START + 9), event("revoked", 9)
    )
    assert (found.state, found.started, found.finished) == ("REVOKED", None, START + 9)


def test_a_task_expired_on_arrival_and_one_terminated() -> None:
    expired = facts(SENT, event("revoked", 0.3, expired=True))
    assert (expired.state, expired.worker, expired.received) == ("REVOKED", WORKER, None)
    terminated = facts(SENT, RECEIVED, STARTED, event("revoked", 3, terminated=True, signum="15"))
    assert (terminated.state, terminated.started) == ("REVOKED", START + 2)


def test_a_killed_worker_leaves_its_tasks_started_until_another_takes_them() -> None:
    assert facts(SENT, RECEIVED, STARTED).state == "STARTED"
    found = facts(
        SENT,
        RECEIVED,
        STARTED,
        event("received", 90, OTHER),
        event("started", 91, OTHER),
        event("succeeded", 92, OTHER),
    )
    assert (found.state, found.worker, found.started) == ("SUCCESS", OTHER, START + 91)
    assert not found.running_again


def test_a_replaced_task_is_told_once() -> None:
    """As recorded: one id, sent and received twice, the first run never ends."""
    found = facts(
        event("sent", 0, name="shop.split"),
        event("received", 0.28, name="shop.split"),
        event("started", 1.445),
        event("sent", 1.468, name="shop.join"),
        event("received", 1.47, name="shop.join"),
        event("started", 1.975),
        event("succeeded", 1.984, result="3", runtime=0.0088),
    )
    assert (found.state, found.result, found.name) == ("SUCCESS", "3", "shop.split")
    assert (found.started, found.running_again) == (START + 1.975, False)
    assert [run.outcome for run in found.runs] == ["", "succeeded"]


def test_a_retried_task_that_replaces_itself_ends() -> None:
    """Its replacement counts its retries from 0, so the attempt before looked like the latest."""
    found = facts(
        event("received", 0),
        event("started", 1),
        event("retried", 2),
        event("received", 3, retries=1),
        event("started", 4),
        event("received", 5),
        event("started", 6),
        event("succeeded", 7, result="3", runtime=0.9),
    )
    assert (found.state, found.result, found.running_again) == ("SUCCESS", "3", False)


def test_a_success_told_without_a_runtime() -> None:
    """The child died after it had stored its result."""
    found = facts(RECEIVED, STARTED, event("succeeded", 3, result="42"))
    assert (found.state, found.runtime) == ("SUCCESS", None)


def test_received_before_sent() -> None:
    found = facts(RECEIVED, STARTED, event("sent", 1.5))
    assert (found.state, found.sent, found.time) == ("STARTED", START + 1.5, START + 1)
