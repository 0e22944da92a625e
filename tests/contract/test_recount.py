"""The stored counts are those of the tasks; where they are not, that is found and repaired."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.conf import get_settings
from django_celery_monitor.models import Task, TaskCount, TaskStats
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.storage import flows
from django_celery_monitor.storage.cohorts import Key
from django_celery_monitor.upkeep import recount, retention
from tests.contract.stored import counts, of_minutes, recounted, recounted_stats, stats, store
from tests.contract.test_batches import life, streams, undone
from tests.streams import NAME, START, arrivals, event, wire

in_a_transaction = pytest.mark.django_db(databases="__all__")
committed = pytest.mark.django_db(databases="__all__", transaction=True)

DAY = 86_400.0
NOW = datetime.fromtimestamp(START + DAY, UTC)


def differences(alias: str, now: datetime = NOW) -> list[recount.Difference]:
    return recount.differences(alias, now)


def failure(task_id: str, at: float = 0.0, name: str = NAME) -> list[dict[str, Any]]:
    return [
        wire(task_id, event("received", at, name=name)),
        wire(task_id, event("started", at + 1)),
        wire(task_id, event("failed", at + 2.5, exception="KeyError('x')")),
    ]


def tamper() -> None:
    TaskCount.objects.filter(state="SUCCESS").update(count=F("count") + 3)
    TaskCount.objects.filter(state="FAILURE").delete()
    TaskStats.objects.filter(period="m", grain="n").update(
        runtime_bins='{"5": 7}', wait_us=F("wait_us") - 5
    )
    TaskStats.objects.filter(period="d", grain="w").delete()
    TaskStats.objects.create(period="h", grain="q", start=NOW - timedelta(hours=30), label="x")
    TaskStats.objects.create(
        period="h", grain="q", start=NOW.replace(minute=0, second=0), label="invented", failed=2
    )


@in_a_transaction
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), stream=streams(), limit=st.sampled_from((1, flows.MOST_LABELS)))
def test_after_any_stream_nothing_differs_and_what_is_damaged_is_repaired(
    alias: str, data: st.DataObject, stream: list[dict[str, Any]], limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, undone(alias):
        patch.setattr(recount, "_BATCH", 2)
        patch.setattr(flows, "MOST_LABELS", limit)
        for batch in data.draw(arrivals(stream)):
            store(batch)
        assert differences(alias) == []
        before = counts(), stats()
        tamper()
        recount.fix(differences(alias), alias)
        assert differences(alias) == []
        assert counts() == before[0]
        if limit > 1:
            assert {key: sums for key, sums in stats().items() if any(sums)} == before[1]


@in_a_transaction
def test_each_damaged_row_is_found_with_what_it_should_be(alias: str) -> None:
    store([*life(), *failure("t2")])
    tamper()
    found = differences(alias)
    by_key = {each.key: each for each in found}
    succeeded = by_key[Key("m", int(START), NAME, "SUCCESS")]
    assert (succeeded.stored, succeeded.counted) == ({"count": 4}, {"count": 1})
    failed = by_key[Key("m", int(START), NAME, "FAILURE")]
    assert (failed.stored, failed.counted) == ({"count": 0}, {"count": 1})
    ever = by_key[Key("e", 0, NAME, "SUCCESS")]
    assert (ever.stored, ever.counted) == ({"count": 4}, {"count": 1})
    minute = by_key["m", "n", int(START), NAME]
    assert minute.stored.keys() == {"wait_us", "runtime_bins"}
    day = by_key["d", "w", int(START // DAY * DAY), "w1@shop"]
    assert (day.stored["received"], day.counted["received"]) == (0, 2)
    invented = [each for each in found if each.key[3:] == ("invented",)]
    assert [(each.stored, each.counted) for each in invented] == [({"failed": 2}, {"failed": 0})]
    assert len(found) == 11

    recount.fix(found, alias)
    assert differences(alias) == []
    assert counts() == recounted()


@in_a_transaction
def test_counts_that_are_all_gone_come_back(alias: str) -> None:
    stream = [each for n in range(12) for each in failure(f"t{n}", n * 40.0, f"name{n % 3}")]
    store([*stream, *life()])
    before = counts(), stats()
    TaskCount.objects.all().delete()
    TaskStats.objects.all().delete()
    recount.fix(differences(alias), alias)
    assert (counts(), stats()) == before == (recounted(), recounted_stats())


@in_a_transaction
def test_labels_without_a_row_of_their_own_are_compared_together(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "MOST_LABELS", 2)
    store([each for n in range(5) for each in failure(f"t{n}", name=f"name{n}")])
    assert differences(alias) == []
    TaskStats.objects.filter(period="h", label=OTHER).update(failed=F("failed") - 1)
    [found] = differences(alias)
    assert (found.stored, found.counted) == ({"failed": 2}, {"failed": 3})


@in_a_transaction
def test_times_of_which_tasks_or_counts_are_gone_are_left_alone(alias: str) -> None:
    for age in (40, 35, 20, 1):
        store(failure(f"{age}", (100 - age) * DAY), START + 101 * DAY)
    now = NOW + timedelta(days=99)
    assert sum(retention.sweep(get_settings(), now, alias)) == 2
    assert differences(alias, now) == []
    TaskStats.objects.filter(period="d", start__lt=now - timedelta(days=34)).update(failed=9)
    assert differences(alias, now) == []
    TaskStats.objects.filter(period="m").delete()
    TaskStats.objects.filter(period="h", start__gt=now - timedelta(days=25)).update(failed=9)
    wrong = differences(alias, now)
    assert {(key[0], key[1]) for key, *_ in wrong if not isinstance(key, Key)} == {
        (period, grain) for period in "mh" for grain in "nwq"
    }
    recount.fix(wrong, alias)
    assert differences(alias, now) == []


@in_a_transaction
def test_a_time_that_a_column_rounds_up_is_in_the_minute_it_shows(alias: str) -> None:
    """Retention lowered the next minute's count, by the row, and left one that nobody had."""
    store([wire("t1", event("received", 59.9999998))])
    [task] = Task.objects.all()
    assert task.time.timestamp() == START + 60
    assert of_minutes() == {(START + 60, NAME, "RECEIVED"): 1}
    assert differences(alias) == []


@committed
def test_nothing_differs_while_another_writer_stores(alias: str) -> None:
    errors: list[BaseException] = []
    stopped = threading.Event()

    def write() -> None:
        with closing(connections[alias]):
            try:
                for number in range(30):
                    store([*failure(f"a{number}", number * 7.0), *life(f"b{number}")])
                    store([wire(f"a{number}", event("succeeded", number * 7.0 + 4))])
            except BaseException as error:
                errors.append(error)
            finally:
                stopped.set()

    thread = threading.Thread(target=write)
    thread.start()
    looks = 0
    while not stopped.is_set():
        assert differences(alias) == []
        looks += 1
    thread.join(30)
    assert not errors
    assert looks > 1
    assert differences(alias) == []
    assert Task.objects.count() == 60


@committed
def test_what_is_stored_between_finding_and_repairing_stays_counted(alias: str) -> None:
    store([*life(), *failure("t2")])
    tamper()
    found = differences(alias)
    store([wire("t2", event("succeeded", 9)), *failure("t3")])
    recount.fix(found, alias)
    assert differences(alias) == []
    assert counts() == recounted()


@in_a_transaction
def test_the_command_says_what_differs_and_repairs_it(
    alias: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store(life())
    call_command("celerymonitor_recount")
    assert capsys.readouterr().out == "The counts are those of the tasks.\n"
    TaskCount.objects.filter(period="m").update(count=41)
    with pytest.raises(CommandError, match="1 row of counts is wrong"):
        call_command("celerymonitor_recount", "--check")
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split() == ["table", "from", "label", "column", "stored", "counted"]
    day, minute = f"{datetime.fromtimestamp(START, UTC):%Y-%m-%d %H:%M}".split()
    assert row.split() == ["TaskCount", day, minute, "m", NAME, "SUCCESS", "count", "41", "1"]
    call_command("celerymonitor_recount", "--fix")
    assert "Repaired 1 row of counts." in capsys.readouterr().out
    call_command("celerymonitor_recount")
