"""What acts take, and what never reaches a worker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_celery_monitor.control.acts.base import Act, Judged, Outcome, Result, Verdict
from django_celery_monitor.control.acts.parameters import (
    LONGEST_NAME,
    Name,
    Names,
    ParameterError,
    Rate,
    Seconds,
    Signal,
    Stamps,
    Whole,
)
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import BadParametersError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


NAMES = sorted({each.name for act in ACTS.values() for each in act.parameters})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    act=st.sampled_from(list(ACTS.values())),
    given=st.dictionaries(st.sampled_from([*NAMES, "other"]), JSON, max_size=5),
)
def test_whatever_is_given_an_act_takes_it_or_says_what_is_wrong(
    act: Act, given: dict[str, Any]
) -> None:
    known = {each.name for each in act.parameters}
    parameters = {name: value for name, value in given.items() if name in known or len(known) > 2}
    try:
        values = act.validated(parameters)
    except BadParametersError as error:
        problems = error.problems
    else:
        problems = {}
    if problems:
        assert all(problems.values())
        return
    assert set(values) == {each.name for each in act.parameters}
    for each in act.parameters:
        assert not each.required or values[each.name] not in (None, "", [], {})


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_an_act_says_what_it_does_and_every_parameter_what_it_is(act: Act) -> None:
    assert act.name == next(name for name, each in ACTS.items() if each is act)
    assert str(act.label)
    assert str(act.help)
    for each in act.parameters:
        assert each.schema()["description"]
        assert each.required is (each.default is None and each.required)


@pytest.mark.parametrize("given", ["", " ", "\t", None, 5, [], "a\nb", "a\0b", "\ud800", "x" * 256])
def test_a_worker_never_gets_an_empty_queue_name(given: Any) -> None:
    with pytest.raises(BadParametersError) as caught:
        ACTS["add_consumer"].validated({"workers": ["w@h"], "queue": given})
    assert set(caught.value.problems) == {"queue"}


@given(st.text())
def test_a_name_that_is_taken_is_sent_as_it_was_given(text: str) -> None:
    parameter = Name(name="queue", help="")  # type: ignore[arg-type]
    try:
        assert parameter.parse(text) == text
    except ParameterError:
        return
    assert 0 < len(text.encode()) <= LONGEST_NAME
    assert text.isprintable()


@given(st.lists(st.text(min_size=1, alphabet="abc-1"), min_size=1, max_size=20))
def test_names_are_kept_in_order_and_once(names: list[str]) -> None:
    found = Names(name="ids", help="").parse(names)  # type: ignore[arg-type]
    assert found == list(dict.fromkeys(names))


@pytest.mark.parametrize(
    ("given", "expected"),
    [(5, 5), ("5", 5), ("007", 7), (True, None), (1.0, None), ("1.5", None), (0, None), (11, None)],
)
def test_whole_numbers(given: Any, expected: int | None) -> None:
    parameter = Whole(name="n", help="", least=1, most=10)  # type: ignore[arg-type]
    if expected is None:
        with pytest.raises(ParameterError, match="from 1 to 10"):
            parameter.parse(given)
    else:
        assert parameter.parse(given) == expected


@pytest.mark.parametrize("given", [0, -1, "x", "nan", float("inf"), True, "1e9", [1]])
def test_what_is_no_number_of_seconds(given: Any) -> None:
    with pytest.raises(ParameterError):
        Seconds(name="soft", help="").parse(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["5/s", "100/m", "0.5/h", "20", "0", 7])
def test_rates_as_celery_writes_them(given: Any) -> None:
    assert Rate(name="rate", help="").parse(given) == str(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["", "fast", "5/d", "-1/s", "5 / s", "5/s;", 1.5, None])
def test_rates_that_celery_would_not_understand(given: Any) -> None:
    with pytest.raises(ParameterError):
        Rate(name="rate", help="").parse(given)  # type: ignore[arg-type]


def test_a_signal_has_one_spelling() -> None:
    parameter = Signal(name="signal", help="")  # type: ignore[arg-type]
    assert {parameter.parse(each) for each in ("KILL", "SIGKILL", "kill")} == {"SIGKILL"}
    with pytest.raises(ParameterError):
        parameter.parse("SIGSTOP")


@pytest.mark.parametrize(
    "given",
    [{"customer": "7"}, {"customer": ["7"]}, "customer=7", ["customer=7"], '{"customer": ["7"]}'],
)
def test_stamps_can_be_written_in_many_ways(given: Any) -> None:
    parameter = Stamps(name="headers", help="")  # type: ignore[arg-type]
    assert parameter.parse(given) == {"customer": ["7"]}


def test_values_that_contradict_each_other() -> None:
    worker = {"workers": "w@h"}
    with pytest.raises(BadParametersError, match="min"):
        ACTS["autoscale"].validated({**worker, "max": 2, "min": 3})
    with pytest.raises(BadParametersError, match="soft"):
        ACTS["time_limit"].validated({"task": "a", "soft": 5, "hard": 5})


def test_acts_that_hit_hard_need_to_be_told_whom() -> None:
    for name in ("shutdown", "pool_grow", "pool_shrink", "pool_restart", "cancel_consumer"):
        with pytest.raises(BadParametersError, match="workers: is missing"):
            ACTS[name].validated({"queue": "q"} if name == "cancel_consumer" else {})


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Outcome.NOBODY_ANSWERED),
        ([Verdict.DONE], Outcome.CONFIRMED),
        ([Verdict.DONE, Verdict.NOTHING], Outcome.CONFIRMED),
        ([Verdict.DONE, Verdict.REFUSED], Outcome.PARTLY),
        ([Verdict.REFUSED, Verdict.UNCLEAR], Outcome.UNCLEAR),
        ([Verdict.REFUSED, Verdict.NOTHING], Outcome.REFUSED),
        ([Verdict.NOTHING], Outcome.REFUSED),
    ],
)
def test_the_outcome_follows_from_the_replies(verdicts: list[Verdict], expected: Outcome) -> None:
    replies = {str(number): Judged(each, "") for number, each in enumerate(verdicts)}
    assert Result(replies=replies).judge() == expected


@pytest.mark.parametrize(
    ("act", "reply", "expected"),
    [
        ("pool_grow", {"ok": "pool will grow"}, Verdict.DONE),
        ("pool_grow", {"error": "no"}, Verdict.REFUSED),
        ("pool_grow", None, Verdict.UNCLEAR),
        ("heartbeat", None, Verdict.DONE),
        ("terminate", {"ok": "terminate: tasks unknown"}, Verdict.NOTHING),
        ("terminate", {"ok": "terminate: a"}, Verdict.DONE),
        ("time_limit", {"ok": "time limits set successfully"}, Verdict.UNCLEAR),
        ("disable_events", {"ok": "task events already disabled"}, Verdict.UNCLEAR),
        ("active", [], Verdict.DONE),
        ("active", {"error": "no"}, Verdict.REFUSED),
        ("conf", {"error": "no"}, Verdict.REFUSED),
        ("memsample", None, Verdict.DONE),
    ],
)
def test_a_reply_means(act: str, reply: Any, expected: Verdict) -> None:
    found: Any = ACTS[act]
    assert found.judge(reply, {}).verdict is expected


@pytest.mark.parametrize(
    ("act", "stats", "reason"),
    [
        ("terminate", {"implementation": "celery.concurrency.solo:TaskPool"}, "solo"),
        ("pool_grow", {"implementation": "celery.concurrency.thread:TaskPool"}, "threads"),
        ("pool_restart", {"implementation": "celery.concurrency.gevent:TaskPool"}, "gevent"),
        ("pool_shrink", {"max-concurrency": 2}, "It has 2"),
        ("pool_shrink", {"max-concurrency": 4, "processes": [11, 12]}, "It has 2"),
    ],
)
def test_who_cannot_is_told_nothing(act: str, stats: dict[str, Any], reason: str) -> None:
    found: Any = ACTS[act]
    assert reason in found.refusal({"pool": stats}, {"n": 2})


def test_a_pool_that_has_grown_was_counted_as_it_began() -> None:
    found: Any = ACTS["pool_shrink"]
    stats = {"max-concurrency": 2, "processes": [11, 12, 13, 14]}
    assert found.refusal({"pool": stats}, {"n": 2}) == ""


def test_a_pool_that_scales_by_itself_is_left_alone() -> None:
    found: Any = ACTS["pool_grow"]
    assert "autoscale" in found.refusal({"autoscaler": {"max": 3}}, {"n": 1})
    found = ACTS["autoscale"]
    assert found.refusal({"autoscaler": {"max": 3}}, {}) == ""
    assert "--autoscale" in found.refusal({}, {})
