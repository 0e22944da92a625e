from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connections
from pytest_django import Settings

from django_celery_monitor import checks
from django_celery_monitor.access.policy import AccessPolicy

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"


def ids(found: Sequence[CheckMessage]) -> list[str | None]:
    return [message.id for message in found]


class TaskPolicy(AccessPolicy):
    """Named by a dotted path below."""


class NoPolicy:
    """Named by a dotted path below."""


class UnfinishedPolicy(AccessPolicy):
    def __init__(self, audit: object) -> None:
        self.audit = audit


def test_a_sound_project_has_no_message() -> None:
    ours = [message for message in run_checks() if str(message.id).startswith("celery_monitor.")]
    assert ours == []


def test_a_setting_in_error_stops_every_command(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SISE": 10, "LIVE": "no"}
    found = [message for message in run_checks() if message.id == "celery_monitor.E001"]
    assert ["PAGE_SIZE" in found[0].msg, "LIVE" in found[1].msg] == [True, True]
    assert all(message.is_serious() for message in found)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("proj.missing.Policy", "No module named 'proj'"),
        (f"{__name__}.Nothing", "Nothing"),
        (f"{__name__}.NoPolicy", "it is a NoPolicy, not an AccessPolicy"),
        (f"{__name__}.UnfinishedPolicy", "audit"),
        ("no_dots", "no_dots"),
    ],
)
def test_a_policy_that_cannot_be_used_is_an_error(
    settings: Settings, path: str, reason: str
) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": path}
    [message] = checks.check_access_policy()
    assert message.id == "celery_monitor.E002"
    assert reason in message.msg


def test_a_projects_own_policy_is_fine(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": f"{__name__}.TaskPolicy"}
    assert checks.check_access_policy() == []


def test_a_policy_that_is_no_path_is_told_once(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"ACCESS_POLICY": TaskPolicy}
    ours = [m.id for m in run_checks() if str(m.id).startswith("celery_monitor.")]
    assert ours == ["celery_monitor.E001"]


def test_times_without_zone_are_an_error(settings: Settings) -> None:
    settings.USE_TZ = False
    assert ids(checks.check_time_zones()) == ["celery_monitor.E003"]


@pytest.mark.parametrize(
    ("version", "expected"), [("1.1.2", ["celery_monitor.W001"]), ("2.0.0", [])]
)
def test_the_dead_namesake_is_noticed(
    monkeypatch: pytest.MonkeyPatch, version: str, expected: list[str]
) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: version)
    assert ids(checks.check_namesake()) == expected


def test_a_checkout_without_any_distribution_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert checks.check_namesake() == []


@pytest.mark.parametrize(
    ("options", "databases", "expected"),
    [
        ({}, ["default"], ["celery_monitor.W002"]),
        ({"transaction_mode": "DEFERRED"}, ["default"], ["celery_monitor.W002"]),
        ({"transaction_mode": "immediate"}, ["default"], []),
        ({"transaction_mode": "EXCLUSIVE"}, ["default"], []),
        ({}, ["other"], []),
        ({}, None, []),
    ],
)
def test_deferred_transactions_on_sqlite_are_warned_of(
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    databases: list[str] | None,
    expected: list[str],
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert ids(checks.check_sqlite_transactions(app_configs=None, databases=databases)) == expected


def test_every_message_is_documented() -> None:
    source = Path(checks.__file__).read_text()
    documented = re.findall(
        r"^### `(celery_monitor\.[EW]\d{3})`", REFERENCE.read_text(), re.MULTILINE
    )
    assert documented == sorted(set(re.findall(r'id="(celery_monitor\.[EW]\d{3})"', source)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"LOGO": "no/such.png"}, ["celery_monitor.W004"]),
        ({"LOGO": "django_celery_monitor/icon.svg"}, []),
        ({"LOGO": "/media/logo.png"}, []),
        ({"BACK_LINK": ["no_such_name", "Back"]}, ["celery_monitor.W005"]),
        ({"BACK_LINK": ["admin:index", "Back"]}, []),
        ({"BACK_LINK": ["https://example.org/", "Back"]}, []),
    ],
)
def test_what_the_bar_shows_is_looked_for(
    settings: Settings, given: dict[str, Any], expected: list[str]
) -> None:
    settings.CELERY_MONITOR = given
    assert ids(checks.check_appearance()) == expected
