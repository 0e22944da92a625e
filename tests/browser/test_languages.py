"""Everything that can be read goes through gettext; what comes from the project does not.

The pages are shown in a language that only puts brackets around what is translated, and everything
that tasks and workers say is Cyrillic: Latin letters outside of the brackets were forgotten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from playwright.sync_api import Page
from pytest_django import Settings

from tests.browser.pages import PAGES, Kept, a_collector_that_stays
from tests.integration.made import (
    a_worker,
    event,
    failed,
    now,
    received,
    sent,
    store,
    superuser,
)

# An element inside of a sentence, such as a time, cuts it in two.
INNERMOST: Final = re.compile(r"⟦[^⟦⟧]*(?:⟧|$)|^[^⟦⟧]*⟧")
WORD: Final = re.compile(r"[A-Za-z]{2,}")
# What no language translates: zones, states as Celery names them, percentiles, examples of names.
SAME_EVERYWHERE: Final = re.compile(r"\b[A-Z_]{3,}\b|\bp\d\d\b|\bmax\b|\bshop\.[\w.*]+|\bCelery\b")
# Seen, or read aloud; not what is code or a name, and says so.
READ: Final = """() => {
  const skip = "script, style, template, noscript, svg, code, kbd, pre, .mono, .json, " +
    "[translate=no], option[value]:not([value='']), datalist";
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.parentElement.closest(skip)) texts.push(node.data);
  }
  for (const name of ["title", "aria-label", "placeholder", "alt", "data-label", "data-hint"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (!element.closest("[translate=no]")) texts.push(element.getAttribute(name));
    }
  }
  return [document.title, ...texts];
}"""


def bracketed(text: str) -> str:
    return f"⟦{text}⟧" if text.strip() else text


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of Django's translations, for the server's threads too."""

    def either(one: str, more: str, number: int) -> str:
        return bracketed(one if number == 1 else more)

    catalogue: dict[str, Callable[..., str]] = {
        "gettext": bracketed,
        "pgettext": lambda context, text: bracketed(text),
        "ngettext": either,
        "npgettext": lambda context, one, more, number: either(one, more, number),
    }
    for name, function in catalogue.items():
        monkeypatch.setattr(translation._trans, name, function)  # type: ignore[attr-defined]


def in_cyrillic() -> Kept:
    a_collector_that_stays()
    host = "узел@север"
    a_worker(host, sw_ident="ъ", sw_ver="1", sw_sys="ж")
    a_worker("узел@юг", silent=3600)
    own: dict[str, Any] = {
        "name": "магазин.отправка",
        "args": "(1,)",
        "kwargs": "{'имя': 'я'}",
        "queue": "почта",
    }
    at = now() - 30
    for number, kind in enumerate(("succeeded", "failed", "retried", "revoked", "received")):
        uuid = f"{number}-ключ"
        store(
            sent(uuid, at, **own, hostname="клиент"),
            received(uuid, at + 0.1, **own, hostname=host),
        )
        if kind in {"failed", "retried"}:
            said = {"exception": "Ошибка('нет')", "traceback": "Ошибка: нет"}
            store(failed(uuid, at + 1, kind, hostname=host, **said))
        elif kind != "received":
            store(event(kind, uuid, at + 1, host=host, result="'да'", runtime=0.5))
    return Kept(task="1-ключ", host=host, name="магазин.отправка", queue="почта")


def forgotten(texts: list[str]) -> Iterator[str]:
    for text in texts:
        left, before = text, ""
        while left != before:
            before, left = left, INNERMOST.sub("", left)
        if WORD.search(SAME_EVERYWHERE.sub("", left)):
            yield " ".join(text.split())[:120]


def test_what_is_forgotten_is_found() -> None:
    texts = ["⟦a ⟦b⟧ c⟧", "1 ⟦of⟧ 2", "Hello", "⟦x⟧ tasks", "p95 UTC", "да", "⟦a⟧ ⟦b⟧", "⟦at", ".⟧"]
    assert list(forgotten(texts)) == ["Hello", "⟦x⟧ tasks"]


@pytest.mark.usefixtures("brackets")
def test_every_text_of_every_page_can_be_translated(
    page: Page, asgi_server: str, sign_in: Callable[[User], None], settings: Settings
) -> None:
    settings.DEBUG = True
    settings.TIME_ZONE = "UTC"
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "TITLE": "Магазин"}
    kept = in_cyrillic()
    user = superuser()
    user.username = "мария"
    user.save()
    sign_in(user)
    problems = {}
    for name, address in PAGES.items():
        page.goto(asgi_server + address(kept))
        page.wait_for_function("!document.querySelector('button.live')?.textContent.includes('…')")
        if found := sorted(set(forgotten(page.evaluate(READ)))):
            problems[name] = found
    assert problems == {}, json.dumps(problems, ensure_ascii=False, indent=1)
