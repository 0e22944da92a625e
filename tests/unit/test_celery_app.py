from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery, current_app
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from django_celery_monitor.celery_app import find_app
from tests.project.celery import app

not_an_app = {"broker": "memory://"}


@pytest.fixture(autouse=True)
def _no_setting(settings: Settings) -> None:
    settings.CELERY_MONITOR = {}


@pytest.mark.parametrize(
    "path", ["tests.project.celery:app", "tests.project.celery", "tests.project"]
)
def test_an_app_is_found_as_celery_itself_finds_it(path: str) -> None:
    assert find_app(path) is app


def test_the_setting_names_it_and_the_option_overrules_the_setting(settings: Settings) -> None:
    settings.CELERY_MONITOR = {"APP": "tests.project.celery:app"}
    assert find_app() is app
    settings.CELERY_MONITOR = {"APP": "nowhere"}
    assert find_app("tests.project") is app


def test_else_it_is_the_one_beside_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.project.settings")
    assert find_app() is app


def test_settings_may_lie_deeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deepshop" / "conf" / "env"
    folder.mkdir(parents=True)
    (tmp_path / "deepshop" / "celery.py").write_text(
        "from celery import Celery\nshop = Celery('deepshop', set_as_current=False)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "deepshop.conf.env.production")
    assert find_app().main == "deepshop"


def test_a_celery_module_that_is_broken_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brokenshop").mkdir()
    (tmp_path / "brokenshop" / "celery.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "brokenshop.settings")
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        find_app()


@pytest.mark.parametrize("module", ["settings", "", "json.settings"])
def test_without_any_it_is_celerys_current_one(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", module)
    found = find_app()
    assert isinstance(found, Celery)
    assert found is current_app._get_current_object()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "nowhere",
            "tests.project.nowhere",
            "tests.project.celery:nope",
            "tests.project.celery.nope",
        ),
        *("...", ":", "os", "os:path", "os:sep", "tests.waiting", "a b", "1"),
        "tests.unit.test_celery_app:not_an_app",
    ],
)
def test_a_wrong_path_is_told_with_what_to_do(path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"No Celery app at .* --app to its dotted path"):
        find_app(path)
