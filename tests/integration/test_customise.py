"""A project bends the pages: by settings, and by templates that fill our empty places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import reverse
from pytest_django import Settings

from tests.integration.made import a_task, root_client

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[2] / "docs/how-to/customise.md"
OURS = "django_celery_monitor"
EVERYWHERE = ("extra_css", "extra_head", "bar_start", "bar_end", "main_top", "main_bottom", "keys")
PLACES = {
    "base.html": EVERYWHERE,
    "overview.html": ("overview_top", "overview_bottom"),
    "task.html": ("task_top",),
}


@pytest.fixture
def bend(settings: Settings, tmp_path: Path) -> Any:
    """Gives the project a template of its own."""
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [str(tmp_path)]}]
    (tmp_path / OURS).mkdir()
    return lambda name, text: (tmp_path / OURS / name).write_text(text)


def look(path: str) -> str:
    return root_client().get(path).content.decode()


def filled(name: str, places: tuple[str, ...]) -> str:
    blocks = "".join(f"{{% block {place} %}}<!--{place}-->{{% endblock %}}" for place in places)
    return f'{{% extends "{OURS}/{name}" %}}{blocks}'


def test_a_project_fills_the_empty_places_of_every_page(bend: Any) -> None:
    task = a_task("failed")
    for name, places in PLACES.items():
        bend(name, filled(name, places))
    bend(
        "_attempt_bottom.html",
        "<!--bottom of {{ attempt.number }}, {{ task.id }}-->",
    )
    overview = look(reverse("celery_monitor:overview"))
    page = look(reverse("celery_monitor:task", args=[task]))
    for text, more in ((overview, PLACES["overview.html"]), (page, PLACES["task.html"])):
        assert [place for place in (*EVERYWHERE, *more) if f"<!--{place}-->" not in text] == []
        assert text.index("<!--extra_css-->") < text.index("<!--extra_head-->")
        assert text.index("<!--main_top-->") < text.index("<h1") < text.index("<!--main_bottom-->")
    # What a page needs itself is still there.
    assert "chart.js" in overview
    assert f"<!--bottom of 1, {task}-->" in page


def test_the_places_that_the_documents_name_are_those_that_are_there() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    named = {place for row in rows for place in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == {place for places in PLACES.values() for place in places}
    assert "_attempt_bottom.html" in DOCUMENT.read_text()


def test_settings_give_title_logo_and_the_way_back(settings: Settings) -> None:
    settings.CELERY_MONITOR = {
        "TITLE": "Shop <jobs>",
        "LOGO": "shop/logo.svg",
        "BACK_LINK": ("admin:index", "Back & out"),
        "ENVIRONMENT": "staging",
        "ENVIRONMENT_COLOR": "amber",
    }
    text = look(reverse("celery_monitor:tasks"))
    assert "Shop &lt;jobs&gt;" in text
    assert '<img class="logo" src="/static/shop/logo.svg" alt="">' in text
    assert re.search(r'<a class="back" href="/admin/">.*Back &amp; out', text)
    assert '<span class="env env-amber">staging</span>' in text


@pytest.mark.parametrize(
    ("label", "color"),
    [
        ("production", "red"),
        ("PROD", "red"),
        ("eu_prod 2", "red"),
        ("eu-prod", "red"),
        ("pre-prod", "blue"),
        ("preproduction", "blue"),
        ("non-production", "blue"),
        ("products", "blue"),
        ("demo", "blue"),
    ],
)
def test_production_is_red(settings: Settings, label: str, color: str) -> None:
    settings.CELERY_MONITOR = {"ENVIRONMENT": label, "ENVIRONMENT_COLOR": "blue"}
    assert f'class="env env-{color}"' in look(reverse("celery_monitor:tasks"))


def test_a_logo_and_a_way_back_that_are_not_there_break_no_page(settings: Settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": f"{__name__}.Manifest"},
    }
    settings.CELERY_MONITOR = {"LOGO": "no/such.png", "BACK_LINK": ("no_such_name", "Back")}
    text = look(reverse("celery_monitor:tasks"))
    assert 'class="logo"' not in text
    assert 'class="back"' not in text


class Manifest(StaticFilesStorage):
    """Knows our files only, as a manifest that was written before the setting was changed."""

    def url(self, name: str | None) -> str:
        if not str(name).startswith(OURS):
            raise ValueError(name)
        return super().url(name)
