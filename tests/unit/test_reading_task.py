"""What the task page makes of a task's events: waits, sentences, code, a graph, an issue's text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.conf import Settings
from django_celery_monitor.events import PUBLISHED, SETTLED, TaskEvent
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading.arguments import arguments, text_source
from django_celery_monitor.reading.attempts import attempts
from django_celery_monitor.reading.awaited import Awaited
from django_celery_monitor.reading.code import call_of, pieces
from django_celery_monitor.reading.expiry import kept_until
from django_celery_monitor.reading.family import Family
from django_celery_monitor.reading.graph import COLLAPSED, Links, graph
from django_celery_monitor.reading.life import life
from django_celery_monitor.reading.passages import Passage, passages
from django_celery_monitor.reading.raw import provenance, raw
from django_celery_monitor.reading.report import report
from django_celery_monitor.reading.sentence import sentence
from django_celery_monitor.state.derive import derive
from django_celery_monitor.state.errors import error_key
from django_celery_monitor.storage.rows import COLUMNS, task_row

AT = 1_800_000_000.0
NOW = datetime.fromtimestamp(AT + 100, UTC)
HOST = "celery@web-1"


def event(kind: str, at: float, host: str = HOST, **data: Any) -> TaskEvent:
    return TaskEvent(AT + at, int(at * 1000), kind, host, 7, data)


def task_of(events: list[TaskEvent], **columns: Any) -> Task:
    row = dict(zip(COLUMNS, task_row("a-1", derive(events), ""), strict=True))
    return Task(**{**row, **columns})


def passages_of(*events: TaskEvent) -> list[Passage]:
    return passages(events, derive(list(events)).runs)


SENT = event("sent", 0, "gen1@web", name="shop.ship", queue="mail")


def test_waits_are_told_apart() -> None:
    eta = AT + 10
    [passage] = passages_of(
        SENT, event("received", 1, eta=eta), event("started", 12), event("succeeded", 15)
    )
    assert passage.broker_wait == 1
    assert passage.held == 9
    assert passage.prefetch_wait == 2


def test_an_eta_that_was_past_holds_nothing() -> None:
    [passage] = passages_of(SENT, event("received", 1, eta=AT - 5), event("started", 2))
    assert (passage.due, passage.held, passage.prefetch_wait) == (None, None, 1)


def test_a_second_delivery_is_marked_and_was_not_sent_again() -> None:
    first, second = passages_of(
        SENT,
        event("received", 1),
        event("started", 2),
        event("received", 60, "celery@web-2"),
        event("started", 61, "celery@web-2"),
        event("succeeded", 62, "celery@web-2"),
    )
    assert (first.again, second.again) == ("", "delivered")
    assert second.broker_wait is None


def test_a_delivery_after_the_end_ran_twice() -> None:
    found = passages_of(
        SENT,
        event("received", 1),
        event("started", 2),
        event("succeeded", 3),
        event("received", 60, "celery@web-2"),
        event("started", 61, "celery@web-2"),
        event("succeeded", 62, "celery@web-2"),
    )
    assert [each.again for each in found] == ["", "ran"]


def test_what_we_concluded_ends_the_life_and_says_how_it_is_known() -> None:
    events = [
        SENT,
        event("received", 1),
        event("started", 2),
        event(SETTLED, 50, state="LOST", source="worker lost"),
    ]
    task = task_of(events)
    steps = life(task, passages_of(*events)).lanes[-1].steps
    assert [step.kind for step in steps][-2:] == ["running", "lost"]
    known = provenance(task, events)
    assert (known.inferred, known.told_at.timestamp()) == (True, AT + 50)


@pytest.mark.parametrize(
    ("events", "usual", "expected"),
    [
        (
            [event("received", 41.2), event("started", 41.2), event("succeeded", 42, runtime=0.8)],
            3.43,
            "Waited 41.2 s in mail (12× this type's median), ran 800 ms on celery@web-1.",
        ),
        (
            [event("received", 1), event("started", 2), event("failed", 4, exception="E()")],
            3.0,
            "Waited 2 s in mail, ran 2 s on celery@web-1.",
        ),
        ([event("received", 1)], None, "Has been waiting 1 min 40 s in mail."),
        (
            [event("received", 1), event("started", 40)],
            None,
            "Waited 40 s in mail, has been running 1 min on celery@web-1.",
        ),
        ([], None, "Has been waiting 1 min 40 s in mail."),
        (
            [event("received", 1, eta=AT + 160)],
            None,
            "Waits for its ETA, 1 min from now.",
        ),
        (
            [
                *(event("received", 1), event("started", 2), event("retried", 3)),
                *(event("received", 4, retries=1), event("started", 9, retries=1)),
                event("succeeded", 10, runtime=1.0),
            ],
            None,
            "Attempt 2: Waited 5 s in mail, ran 1 s on celery@web-1.",
        ),
    ],
)
def test_one_sentence_tells_the_life(
    events: list[TaskEvent], usual: float | None, expected: str
) -> None:
    events = [SENT, *events]
    assert sentence(task_of(events), passages_of(*events), usual, NOW) == expected


def test_a_payload_is_shown_as_the_call_that_it_was() -> None:
    tagged = {"__type__": "uuid", "__value__": {"hex": "e2c390686b2e4a938923d5e6f2606a27"}}
    payload = json.dumps([[2**70, tagged], {"amount": 1.10, "none": None}])
    assert call_of("charge", payload) == (
        "charge(\n    1180591620717411303424,\n"
        "    uuid('e2c390686b2e4a938923d5e6f2606a27'),\n    amount=1.1,\n    none=None,\n)"
    )


@pytest.mark.parametrize("payload", ["", "nonsense", "{}", "[1]", "[[], []]", "[" * 99_999])
def test_a_payload_that_is_none_is_not_shown(payload: str) -> None:
    assert call_of("charge", payload) is None


def test_a_long_value_takes_lines_of_its_own() -> None:
    text = call_of("f", json.dumps([[["x" * 30] * 4], {}]))
    assert text
    assert len(text.splitlines()) == 8


@given(st.text())
def test_nothing_of_any_text_is_lost_by_colouring_it(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text


def test_the_source_of_arguments_is_said() -> None:
    task = Task(id="a-1", name="shop.ship", args="(1,)", kwargs="{}")
    payload = {"payload": "[[1], {}]"}
    assert arguments(task, [event(PUBLISHED, 0, **payload)]).source == "as published"
    masked = arguments(task, [event(PUBLISHED, 0, **payload, flaw="redacted")])
    assert (masked.source, masked.whole) == ("as published, with secrets masked", False)
    cut = arguments(task, [event(PUBLISHED, 0, flaw="cut")])
    assert "longer than the recorder takes" in cut.source
    assert arguments(task, []).source == "text of an event"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'whole'", "text of an event"),
        ("'abc… (12,345 characters)", "text of an event, cut at 4 of 12,345 characters"),
        ("'abc...", "text of an event, which Celery cuts at 1,024 characters"),
    ],
)
def test_a_text_that_was_cut_says_so(text: str, expected: str) -> None:
    assert text_source(text) == expected


def errors_of(found: list[Passage], *texts: str) -> dict[str, TaskError]:
    failures = [each.run.error for each in found if each.run.error]
    return {
        error_key(error): TaskError(type="E", message=text, traceback=text)
        for error, text in zip(failures, texts, strict=True)
    }


def test_two_attempts_errors_are_compared() -> None:
    found = passages_of(
        SENT,
        *(event("received", 1), event("started", 2), event("retried", 3, exception="E(1)")),
        event("received", 4, retries=1),
        *(event("started", 5), event("retried", 6, exception="E(1)")),
        event("received", 7, retries=2),
        *(event("started", 8), event("failed", 9, exception="E(2)")),
    )
    known = errors_of(found, "a\nb\nE: 1", "a\nb\nE: 1", "a\nb\nE: 2")
    last, again, first = attempts(found, known, payload=True)
    assert (first.same_as, first.diff_from) == (None, None)
    assert again.same_as == 1
    assert (last.same_as, last.diff_from) == (None, 2)
    assert [each for each in last.diff if each[0] in ("less", "more")] == [
        ("less", "-E: 1"),
        ("more", "+E: 2"),
    ]
    for record in attempts(found, known, payload=False):
        assert (record.trace, record.diff, record.same_as) == ([], (), None)


def test_without_the_right_events_show_only_what_is_no_payload() -> None:
    events = [
        event("sent", 0, name="shop.ship", args="(1,)", queue="mail"),
        event(PUBLISHED, 0, payload="[[1], {}]", stamps={"a": 1}, headers={"b": 2}, origin="ann"),
        event("progress", 1, custom={"done": "half"}),
        event("failed", 2, exception="E()"),
    ]
    shown = raw(events, payload=False)
    assert [[name for name, _text in each.fields] for each in shown] == [
        ["name", "queue"],
        [],
        [],
        [],
    ]
    assert [each.hidden for each in shown] == [1, 4, 1, 1]
    assert all(not each.hidden for each in raw(events, payload=True))


def relative(number: int, **columns: Any) -> Task:
    time = datetime.fromtimestamp(AT + number, UTC)
    return Task(
        **{"id": f"t{number}", "name": "shop.part", "state": "SUCCESS", "time": time, **columns}
    )


def family_of(
    task: Task,
    *others: Task,
    bodies: dict[str, str] | None = None,
    names: dict[str, str] | None = None,
) -> Family:
    return Family(
        task=task,
        root=None,
        parent=None,
        children=[],
        more_children=False,
        group=[],
        body=None,
        tasks={each.id: each for each in (task, *others)},
        bodies=bodies or {},
        names=names or {},
        cut=False,
    )


def drawn(
    family: Family, opened: dict[str, int] | None = None, known: dict[str, Awaited] | None = None
) -> dict[str, Any]:
    links = Links(
        task=lambda task_id: f"/{task_id}/",
        node=lambda task_id: f"?node={task_id}",
        bundle=lambda key: key,
        group=lambda key: f"?group={key}",
    )
    return graph(family, links, NOW, opened or {}, known or {})


def test_a_graph_has_who_called_whom() -> None:
    found = drawn(family_of(relative(0), relative(1, parent_id="t0"), relative(2, parent_id="t1")))
    assert found["edges"] == [[0, 1, "calls"], [1, 2, "calls"]]
    assert [node["here"] for node in found["nodes"]] == [True, False, False]


def test_a_chord_s_members_all_lead_to_its_body() -> None:
    members = [relative(number, parent_id="t0", group_id="g") for number in (1, 2, 3)]
    # Celery says that the last member called it.
    body = relative(4, parent_id="t3", name="shop.body")
    found = drawn(family_of(relative(0), *members, body, bodies={"g": "t4"}))
    assert [edge for edge in found["edges"] if edge[2] == "chord"] == [
        [1, 4, "chord"],
        [2, 4, "chord"],
        [3, 4, "chord"],
    ]
    assert [3, 4, "calls"] not in found["edges"]


@pytest.mark.parametrize("group_id", ["g", ""])
def test_many_members_become_one_node_but_this_task_stays(group_id: str) -> None:
    ended = datetime.fromtimestamp(AT, UTC)
    members = [
        relative(
            number, parent_id="t0", group_id=group_id, finished_at=ended if number % 2 else None
        )
        for number in range(1, COLLAPSED + 3)
    ]
    found = drawn(family_of(members[0], relative(0), *members[1:]))
    assert len(found["nodes"]) == 3
    [many] = [node for node in found["nodes"] if node.get("many")]
    assert many["detail"] == ("13 / 26 done" if group_id else "13 / 26 done, inferred")


def members_of(count: int, *states: str) -> list[Task]:
    """As many members of a group, of these states first."""
    members = [relative(n, parent_id="t0", group_id="g") for n in range(1, count + 1)]
    for member, state in zip(members, states, strict=False):
        member.state = state
    return members


def test_a_tile_counts_its_members_by_state_and_shows_trouble() -> None:
    found = drawn(family_of(relative(0), *members_of(40, "FAILURE", "STARTED", "FAILURE")))
    [many] = [node for node in found["nodes"] if node.get("many")]
    assert many["kind"] == "failed"
    assert [(each["kind"], each["count"], each["from"]) for each in many["counts"]] == [
        ("failed", 2, 0),
        ("running", 1, 2),
        ("succeeded", 37, 3),
    ]
    assert "Failed 2, Running 1, Succeeded 37" in many["title"]
    assert many["more"] == "+40"
    assert [each["count"] for each in found["progress"]] == [2, 1, 38]


def test_a_tile_gives_out_a_hundred_members_at_a_time() -> None:
    family = family_of(relative(0), *members_of(300))
    [many] = [node for node in drawn(family)["nodes"] if node.get("many")]
    for times, nodes in ((1, 102), (2, 202), (3, 301), (40, 301)):
        found = drawn(family, {many["url"]: times})
        assert len(found["nodes"]) == nodes
        assert len(found["outline"]) == nodes


def test_the_critical_path_is_drawn_and_stays_out_of_tiles() -> None:
    begin = datetime.fromtimestamp(AT, UTC)
    members = members_of(30)
    for number, member in enumerate(members):
        member.sent_at = member.started_at = begin
        member.finished_at = begin + timedelta(seconds=99 if number == 17 else 1)
        member.runtime = (member.finished_at - begin).total_seconds()
    body = relative(40, name="shop.body", sent_at=begin + timedelta(seconds=99))
    body.started_at = begin + timedelta(seconds=101)
    body.finished_at, body.runtime = begin + timedelta(seconds=105), 4.0
    family = family_of(relative(0), *members, body, bodies={"g": "t40"})
    found = drawn(family)
    assert found["path_text"] == "Critical path 1 min 45 s, 3 tasks"
    assert [found["nodes"][place]["url"] for place in found["path"]] == ["/t0/", "/t18/", "/t40/"]
    assert len(found["nodes"]) == 4


def test_lines_are_as_hot_as_the_wait_they_lead_to() -> None:
    begin = datetime.fromtimestamp(AT, UTC)

    def waiting(number: int, seconds: float, **columns: Any) -> Task:
        started = begin + timedelta(seconds=seconds)
        return relative(number, parent_id="t0", sent_at=begin, started_at=started, **columns)

    still = relative(4, parent_id="t0", state="RECEIVED", sent_at=NOW - timedelta(hours=3.9))
    due = relative(5, parent_id="t0", state="RECEIVED", sent_at=begin, eta=NOW + timedelta(hours=1))
    found = drawn(
        family_of(relative(0), waiting(1, 0.4), waiting(2, 9), waiting(3, 200), still, due)
    )
    heats = [(node.get("heat", 0), node.get("wait", "")) for node in found["nodes"]]
    assert heats == [
        *((0, ""), (0, ""), (1, "wait 9 s")),
        *((3, "wait 3 min"), (3, "wait 3 h"), (0, "")),
    ]


def test_a_body_that_is_still_to_come_is_drawn_with_those_it_waits_for() -> None:
    members = members_of(3, "SUCCESS", "STARTED", "SUCCESS")
    for member in members:
        member.finished_at = member.time if member.state == "SUCCESS" else None
    family = family_of(relative(0), *members, bodies={"g": "whole"}, names={"whole": "shop.body"})
    found = drawn(family, known={"g": Awaited(group_id="g", members=members, unseen=(2, 5))})
    missing, body = found["nodes"][5], found["nodes"][4]
    assert (body["name"], body["detail"]) == ("shop.body", "Waits: 2 of 5 done")
    assert (missing["label"], missing["detail"]) == ("2 members without a record", "Nos. 2, 5 of 5")
    ends = [edge[:2] for edge in found["edges"] if edge[2] == "chord"]
    assert ends == [[1, 4], [2, 4], [3, 4], [5, 4]]
    assert len(found["outline"]) == 6


def test_a_family_as_a_list_has_every_node_once_callers_first() -> None:
    members = [relative(number, parent_id="t0", group_id="g") for number in (1, 2)]
    body = relative(3, parent_id="t2", name="shop.body")
    found = drawn(family_of(relative(0), *members, body, bodies={"g": "t3"}))
    # The body stands below those it waited for, not under one of them.
    assert found["outline"] == [(0, 0), (1, 1), (2, 1), (3, 1)]


def test_tasks_that_call_each_other_in_a_circle_are_drawn_once() -> None:
    circle = [relative(0, parent_id="t1"), relative(1, parent_id="t0"), relative(2, parent_id="t2")]
    found = drawn(family_of(*circle))
    assert sorted(place for place, _depth in found["outline"]) == [0, 1, 2]
    assert found["path"] == []


def test_a_text_for_an_issue_cannot_leave_its_fences() -> None:
    task = Task(id="a`1", name="shop.`ship`\n# big", state="FAILURE", known_by="worker")
    task.result = "```\n<script>\n```"
    called = arguments(Task(id="a", name="f", args="('````',)", kwargs="{}"), [])
    text = report(task, "https://example.org/monitor/tasks/a/", [], called)
    assert "\n# big" not in text
    assert "`````python\nf(\n    '````',\n)\n`````" in text
    assert "````python\n```\n<script>\n```\n````" in text


@pytest.mark.parametrize(
    ("columns", "days"),
    [
        ({}, 30.0),
        ({"state": "FAILURE"}, 90.0),
        ({"name": "shop.health.ping"}, 5.0),
        ({"name": "shop.health.deep"}, 7.0),
        ({"name": "shop.health.deep", "state": "FAILURE"}, 7.0),
        # A queue on the broker could revive what is younger.
        ({"name": "shop.brief"}, 4.0),
    ],
)
def test_a_record_is_kept_as_retention_keeps_it(columns: dict[str, Any], days: float) -> None:
    chosen = {"failed": 90.0, "shop.health.*": 7.0, "shop.health.ping": 5.0, "shop.brief": 1.0}
    task = Task(**{"name": "shop.ship", "state": "SUCCESS", "updated_at": NOW, **columns})
    assert kept_until(task, Settings(RETENTION_DAYS_BY=chosen)) == NOW + timedelta(days=days)


def test_without_retention_nothing_expires() -> None:
    task = Task(name="shop.ship", state="SUCCESS", updated_at=NOW)
    assert kept_until(task, Settings(RETENTION_DAYS=None)) is None
