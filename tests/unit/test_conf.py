from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from django_celery_monitor import conf

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def problems(settings: Settings, **given: Any) -> list[str]:
    settings.CELERY_MONITOR = given
    return conf.problems()


def test_without_any_setting_the_defaults_hold(settings: Settings) -> None:
    del settings.CELERY_MONITOR
    # Nobody is told of what is deleted.
    conf.get_settings.cache_clear()
    assert conf.get_settings() == conf.Settings()
    assert conf.problems() == []


def test_the_projects_values_come_before_the_defaults(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SIZE": 50, "REDACT_KEYS": ["iban"], "FLUSH_INTERVAL": 1}
    found = conf.get_settings()
    assert (found.PAGE_SIZE, found.REDACT_KEYS, found.FLUSH_INTERVAL) == (50, ("iban",), 1)
    assert found.BATCH_SIZE == conf.Settings().BATCH_SIZE


def test_a_changed_setting_is_seen_at_once(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SIZE": 50}
    assert conf.get_settings().PAGE_SIZE == 50
    settings.CELERY_MONITOR = {"PAGE_SIZE": 60}
    assert conf.get_settings().PAGE_SIZE == 60


def test_an_unknown_key_names_the_nearest_right_one(settings: Settings) -> None:
    assert problems(settings, page_sise=10) == [
        "CELERY_MONITOR has an unknown key 'page_sise'. Did you mean 'PAGE_SIZE'?"
    ]


def test_a_key_like_no_other_lists_the_known_ones(settings: Settings) -> None:
    [problem] = problems(settings, XYZZY=1)
    assert "Known keys: ACCESS_POLICY, APP," in problem


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("ENVIRONMENT_COLOR", "pink", "one of grey, green, blue, violet, amber, red"),
        ("LOGO", "https://example.org/logo.png", "name a static file"),
        ("LOGO", "//example.org/logo.png", "name a static file"),
        ("BACK_LINK", ["/"], "expected an address and its words"),
        ("BACK_LINK", ["/", ""], "expected an address and its words"),
        ("BACK_LINK", "/", "expected a list of str"),
        ("SOURCE_LINKS", {"": "https://example.org/{path}"}, "needs a beginning and a {path}"),
        ("SOURCE_LINKS", {"/srv/": "https://example.org/"}, "needs a beginning and a {path}"),
        ("SOURCE_LINKS", {"/srv/": 5}, "expected a dict of str to str"),
        ("BATCH_SIZE", "2000", "expected int"),
        ("BATCH_SIZE", True, "expected int"),
        ("BATCH_SIZE", 0, "must be greater than 0"),
        ("FLUSH_INTERVAL", "soon", "expected float"),
        ("FLUSH_INTERVAL", -1, "must be greater than 0"),
        ("FLUSH_INTERVAL", float("nan"), "must be greater than 0"),
        ("FLUSH_INTERVAL", float("inf"), "must be greater than 0"),
        ("PAGE_SIZE", 1001, "must be at most 1000"),
        ("LIVE", 1, "expected bool"),
        ("APP", 5, "expected str or None"),
        ("APP", "", "is empty"),
        ("REDACT_KEYS", "password", "expected a list of str"),
        ("REDACT_KEYS", ["password", 5], "expected a list of str"),
        ("REDACT_KEYS", ["password", ""], "empty name"),
        ("REDACT_PATTERNS", ["ok", "(["], r"has '(['"),
        ("REDACT_PATTERNS", ["a{99999999999}"], "the repetition number is too large"),
    ],
)
def test_a_value_in_error_is_explained(
    settings: Settings, key: str, value: object, expected: str
) -> None:
    [problem] = problems(settings, **{key: value})
    assert key in problem
    assert expected in problem


def test_a_setting_that_is_no_dict_is_one_problem(settings: Settings) -> None:
    settings.CELERY_MONITOR = ["APP"]
    assert conf.problems() == ["CELERY_MONITOR must be a dict, not list."]


def test_a_harmless_key_in_error_falls_back_to_its_default(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"PAGE_SIZE": "many", "TITLE": "Jobs"}
    assert conf.get_settings() == conf.Settings(TITLE="Jobs")


@pytest.mark.parametrize(
    "given",
    [{"ACCESS_POLICY": dict}, {"REDACT_KEYS": "iban"}, {"REDACT_PATTERNS": ["(["]}, "nothing"],
)
def test_a_guard_in_error_never_falls_back_to_its_default(
    settings: Settings, given: object
) -> None:
    settings.CELERY_MONITOR = given
    with pytest.raises(ImproperlyConfigured, match="CELERY_MONITOR"):
        conf.get_settings()


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.*?)` \|", REFERENCE.read_text(), re.MULTILINE))
    defaults = conf.Settings()
    assert set(rows) == {field.name for field in fields(conf.Settings)}
    for name, shown in rows.items():
        value = getattr(defaults, name)
        if not isinstance(value, tuple):
            assert shown == repr(value), name
