"""What real workers said ends in rows that say what happened."""

from __future__ import annotations

import random
import re

import pytest

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.ingest.decode import Decoder
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.state.derive import Facts, derive
from django_celery_monitor.state.errors import error_key, error_type, marks
from django_celery_monitor.state.event_set import union
from tests.recorded.cases import CASES
from tests.recorded.expected import Told, expected
from tests.recorded.files import Recording, recordings
from tests.recorded.stage import WORKER

RECORDINGS = recordings()
every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=str)


def decoded(recording: Recording) -> dict[str, list[TaskEvent]]:
    decoder = Decoder(Redactor((), ()), max_text=1000, max_traceback=10_000)
    found = decoder.decode(recording.bodies, recording.arrived)
    assert found.bad == []
    assert found.ignored == (recording.case == "custom_event")
    return found.tasks


def tasks(recording: Recording) -> dict[str, tuple[str, Facts]]:
    """Id and facts by name and arguments."""
    found = {}
    for task_id, events in decoded(recording).items():
        facts = derive(union([], events))
        found[facts.name.removeprefix("shop.") + facts.args] = (task_id, facts)
    return found


def errors(events: list[TaskEvent]) -> tuple[str, ...]:
    found = []
    facts = derive(events)
    marked = marks(events, facts)
    for event in events:
        if mark := marked.get(error_key(event)):
            words = [error_type(event.data["exception"])]
            words += ["retried"] * (event.type == "retried") + ["again"] * mark.duplicate
            found.append(" ".join(words))
    return tuple(found)


@every_recording
def test_the_row_says_what_happened(recording: Recording) -> None:
    found = {}
    for events in decoded(recording).values():
        told = union([], events)
        facts = derive(told)
        runs = tuple(
            " ".join(
                ["received"] * (run.received is not None)
                + ["started"] * (run.started is not None)
                + [run.outcome] * bool(run.outcome)
            )
            for run in facts.runs
        )
        key = facts.name.removeprefix("shop.") + facts.args
        text = (facts.result or facts.exception)[: len(expected(recording)[key].says)]
        found[key] = Told(facts.state, runs, text, errors(told))
        assert {run.worker for run in facts.runs} == {facts.worker} == {WORKER}
        assert (facts.queue, facts.known_by, facts.running_again) == (
            "slow" if recording.case == "expired_in_the_queue" else "celery",
            "worker",
            False,
        )
        assert facts.retries == sum("retried" in run for run in runs)
    assert found == expected(recording)


@every_recording
def test_any_order_and_any_split_tells_the_same(recording: Recording) -> None:
    for events in decoded(recording).values():
        at_once = union([], events)
        for seed in range(5):
            arrivals = [*events, *events[:2]]
            random.Random(seed).shuffle(arrivals)
            known: list[TaskEvent] = []
            for start in range(0, len(arrivals), seed + 1):
                known = union(known, arrivals[start : start + seed + 1])
            assert known == at_once
            assert derive(known) == derive(at_once)


def of_case(case: str) -> pytest.MarkDecorator:
    found = [recording for recording in RECORDINGS if recording.case == case]
    return pytest.mark.parametrize("recording", found, ids=str)


@of_case("in_a_chain")
def test_a_chain_is_one_family(recording: Recording) -> None:
    found = tasks(recording)
    first, second, third = (found[key][0] for key in ("add(1, 1)", "add(2, 2)", "add(4, 3)"))
    family = {task_id: (facts.root_id, facts.parent_id) for task_id, facts in found.values()}
    assert family == {first: (first, ""), second: (first, first), third: (first, second)}


@of_case("in_a_group")
def test_nothing_ties_the_members_of_a_group_that_a_client_sent(recording: Recording) -> None:
    for task_id, facts in tasks(recording).values():
        assert (facts.root_id, facts.parent_id) == (task_id, "")


@of_case("in_a_chord")
def test_the_body_of_a_chord_descends_from_one_of_its_header(recording: Recording) -> None:
    found = tasks(recording)
    _body_id, body = found.pop("total([2, 4],)")
    header = {task_id for task_id, _facts in found.values()}
    assert body.root_id in header
    assert body.parent_id == body.root_id


@of_case("group_in_a_task")
def test_a_group_that_a_task_sent_descends_from_it(recording: Recording) -> None:
    found = tasks(recording)
    parent, _facts = found.pop("spread()")
    assert {(facts.root_id, facts.parent_id) for _id, facts in found.values()} == {(parent, parent)}


@of_case("eta")
def test_a_task_does_not_wait_before_its_eta(recording: Recording) -> None:
    [(_task_id, facts)] = tasks(recording).values()
    assert facts.eta
    assert facts.sent
    assert facts.started
    assert 1.4 < facts.eta - facts.sent < 1.6
    assert facts.started >= facts.eta
    assert facts.runs[0].wait == facts.started - facts.eta


@of_case("expired_before_eta")
def test_when_a_task_expires_is_known(recording: Recording) -> None:
    [(_task_id, facts)] = tasks(recording).values()
    assert facts.expires
    assert facts.eta
    assert facts.expires < facts.eta


@of_case("progress")
def test_what_a_task_says_of_its_progress_is_kept(recording: Recording) -> None:
    [events] = decoded(recording).values()
    said = [event.data["custom"]["pct"] for event in events if event.type == "progress"]
    assert said == [10, 50, 90]


@pytest.mark.parametrize("pool", CASES)
def test_every_case_is_recorded(pool: str) -> None:
    found: dict[str, set[str]] = {}
    for each in RECORDINGS:
        if each.pool == pool:
            found.setdefault(each.version, set()).add(each.case)
    assert found
    assert {case.__name__ for case in CASES[pool]} == set.intersection(*found.values())


@every_recording
def test_nothing_tells_of_the_machine_it_was_recorded_on(recording: Recording) -> None:
    text = b"".join(recording.bodies).decode()
    assert set(re.findall(r'"hostname": ?"([^"]+)"', text)) <= {WORKER, *_clients(text)}
    assert all(path.startswith("/srv/") for path in re.findall(r'File \\"([^"\\]+)\\"', text))


def _clients(text: str) -> set[str]:
    return set(re.findall(r'"(gen\d+@shop)"', text))
