"""Callables of the project that see texts before they are stored."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pytest_django import Settings

from django_celery_monitor import checks
from django_celery_monitor.conf import Settings as Ours
from django_celery_monitor.events import Decoded, TaskEvent
from django_celery_monitor.ingest.own_redaction import OwnRedaction
from django_celery_monitor.ingest.redact import MASK

PLACE = "tests.project.own_redaction"


def own(everywhere: str = "", **by: str) -> OwnRedaction:
    paths = {name.replace("_", "."): f"{PLACE}.{path}" for name, path in by.items()}
    path = f"{PLACE}.{everywhere}" if everywhere else None
    return OwnRedaction(Ours(REDACT_WITH=path, REDACT_WITH_BY=paths))


def events(task_id: str, *every: dict[str, Any]) -> Decoded:
    made = [TaskEvent(1.0, n, "sent", "w", 1, data) for n, data in enumerate(every)]
    return Decoded({task_id: made}, [], [], 0)


def no_names(ids: list[str]) -> dict[str, str]:
    return {}


def test_what_it_returns_is_kept() -> None:
    assert own("ibans").text("shop.pay", "args", "('XX123456', 1)") == "('[iban]', 1)"
    assert own("ibans").text("", "args", "") == ""


def test_none_drops_the_text() -> None:
    assert own("all_of_it").text("shop.pay", "result", "'a'") == MASK


@pytest.mark.parametrize("name", ["broken", "forgetful", "no_such_thing", "NOT_CALLABLE"])
def test_a_callable_that_fails_leaks_nothing(name: str, caplog: pytest.LogCaptureFixture) -> None:
    found = own(name)
    with caplog.at_level(logging.ERROR, "django_celery_monitor"):
        for _again in range(12):
            assert found.text("shop.pay", "args", "('hunter2',)") == MASK
    assert found.dropped == 12
    # The first and the tenth.
    assert len(caplog.records) == 2
    assert "hunter2" not in caplog.text
    assert name in caplog.text


def test_one_for_some_tasks_is_asked_of_those_only() -> None:
    found = own(shop_pay="ibans")
    assert found.text("shop.pay", "args", "XX123456") == "[iban]"
    assert found.text("shop.ship", "args", "XX123456") == "XX123456"
    some = OwnRedaction(Ours(REDACT_WITH_BY={"shop.*": f"{PLACE}.all_of_it"}))
    assert some.text("shop.ship", "args", "a") == MASK
    assert some.text("shopping", "args", "a") == "a"


def test_both_are_asked() -> None:
    found = own("ibans", shop_pay="all_of_it")
    assert found.text("shop.pay", "args", "a") == MASK
    assert found.text("shop.ship", "args", "XX123456") == "[iban]"


def test_of_a_task_that_nobody_can_name_nothing_is_kept_if_some_have_their_own() -> None:
    batch = events("t1", {"result": "'XX123456'"})
    own(shop_pay="ibans").apply(batch, no_names)
    assert batch.tasks["t1"][0].data == {"result": MASK}


def test_results_have_no_name_so_it_is_looked_up() -> None:
    batch = events("t1", {"result": "'XX123456'"})
    own(shop_pay="ibans").apply(batch, lambda ids: dict.fromkeys(ids, "shop.pay"))
    assert batch.tasks["t1"][0].data == {"result": "'[iban]'"}


def test_another_event_of_the_batch_may_name_it() -> None:
    batch = events("t1", {"name": "shop.pay", "args": "('XX123456',)"}, {"result": "'XX123456'"})
    own(shop_pay="ibans").apply(batch, no_names)
    assert [event.data for event in batch.tasks["t1"]] == [
        {"name": "shop.pay", "args": "('[iban]',)"},
        {"result": "'[iban]'"},
    ]


def test_names_are_only_looked_up_for_texts() -> None:
    asked: list[str] = []

    def names(ids: list[str]) -> dict[str, str]:
        asked.extend(ids)
        return {}

    own(shop_pay="ibans").apply(events("t1", {"retries": 1}), names)
    assert asked == []


def test_whole_arguments_that_lost_something_are_whole_no_longer() -> None:
    data = {"name": "shop.pay", "args": "('a',)", "payload": '[["XX123456"], {}]'}
    own("ibans").event("shop.pay", data)
    assert data == {"name": "shop.pay", "args": "('a',)", "flaw": "redacted"}


def test_whole_arguments_whose_text_lost_something_are_not_kept_in_other_letters() -> None:
    data = {"args": "('XX123456',)", "payload": '[["\\u0058X123456"], {}]'}
    own("ibans").event("shop.pay", data)
    assert data == {"args": "('[iban]',)", "flaw": "redacted"}


def test_values_are_shown_as_json_and_dropped_if_they_may_not_be() -> None:
    data: dict[str, Any] = {
        "headers": {"a": "XX123456"},
        "stamps": {"a": "b"},
        "chord": {"id": "c", "kwargs": {"iban": "XX123456"}},
        "custom": {"note": "XX123456"},
        "origin": "XX123456",
        "queue": "mail",
    }
    own("ibans").event("shop.pay", data)
    assert data == {
        "stamps": {"a": "b"},
        "custom": '{"note":"[iban]"}',
        "origin": "[iban]",
        "queue": "mail",
    }


def test_what_is_put_aside_is_seen_too() -> None:
    batch = Decoded({}, [], [("no uuid", '{"args": "XX123456"}')], 0)
    own("ibans").apply(batch, no_names)
    assert batch.bad == [("no uuid", '{"args": "[iban]"}')]
    own(shop_pay="ibans").apply(batch, no_names)
    assert batch.bad == [("no uuid", MASK)]


def test_a_path_that_cannot_be_called_is_an_error(settings: Settings) -> None:
    settings.CELERY_MONITOR = {
        "REDACT_WITH": f"{PLACE}.NOT_CALLABLE",
        "REDACT_WITH_BY": {"shop.pay": f"{PLACE}.gone", "shop.ship": f"{PLACE}.ibans"},
    }
    first, second = checks.check_own_redaction()
    assert (first.id, second.id) == ("celery_monitor.E004", "celery_monitor.E004")
    assert "which cannot be called" in first.msg
    assert "gone" in second.msg


@pytest.mark.parametrize("given", [{"": "a.b"}, {"shop.pay": ""}])
def test_neither_name_nor_path_may_be_empty(settings: Settings, given: dict[str, str]) -> None:
    settings.CELERY_MONITOR = {"REDACT_WITH_BY": given}
    [found] = checks.check_settings()
    assert "empty name or path" in found.msg
