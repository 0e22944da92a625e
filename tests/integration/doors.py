"""The doors to acts, each with what people and programs use it by: nothing goes around it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from django_celery_monitor.control.acts.parameters import Flag, Parameter
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction
from django_celery_monitor.views.act_form import TARGETS

REASON = "the host is slow"
PUBLISHING = ("retry", "send")


@dataclass(frozen=True)
class Done:
    """``said``: all that came through the door."""

    entry: ControlAction
    said: str


Given = dict[str, Any]
Door = Callable[[str, Given], Done]


def lead_to(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """All doors, to this app's broker."""
    command = "django_celery_monitor.management.commands.celerymonitor_control"
    monkeypatch.setattr(f"{command}.find_app", lambda _path: app)
    monkeypatch.setattr("django_celery_monitor.control.perform.find_app", lambda: app)


def texts(parameter: Parameter, value: Any) -> list[str]:
    """As people type it."""
    if isinstance(value, dict) and parameter.many:
        return [f"{key}={each}" for key, values in value.items() for each in values]
    if isinstance(value, list) and parameter.many:
        return value
    return [json.dumps(value) if isinstance(value, dict | list) else str(value)]


def by_python(app: Celery) -> Door:
    user = User.objects.create_superuser("by-python")

    def do(act: str, given: Given) -> Done:
        entry = perform(user, act, given, reason=REASON, app=app)
        return Done(ControlAction.objects.get(pk=entry.pk), json.dumps(entry.told, default=str))

    return do


def by_rest(app: Celery) -> Door:
    client = Client()
    client.force_login(User.objects.create_superuser("by-rest"))

    def do(act: str, given: Given) -> Done:
        url = reverse(f"celery_monitor:api:do_{act}")
        body = json.dumps({**given, "reason": REASON})
        response = client.post(url, body, content_type="application/json")
        assert response.status_code == 200, response.content.decode()
        told = response.json()
        entry = ControlAction.objects.get(pk=told["id"])
        assert (told["outcome"], told["replies"]) == (entry.outcome, entry.replies)
        assert (told["detail"], told["silent"]) == (entry.detail, entry.silent)
        return Done(entry, json.dumps(told["told"]))

    return do


def by_command(app: Celery) -> Door:
    def do(act: str, given: Given) -> Done:
        out = StringIO()
        words = [act, *arguments(act, given), "--reason", REASON]
        status = 0
        try:
            call_command("celerymonitor_control", *words, stdout=out)
        except CommandError as error:
            status = error.returncode
        entry = ControlAction.objects.latest("pk")
        assert (status == 0) == (entry.outcome in ("confirmed", "requested")), out.getvalue()
        for host, reply in entry.replies.items():
            assert f"{host}: {reply['verdict']} {reply['text']}".rstrip() in out.getvalue()
        return Done(entry, out.getvalue())

    return do


def arguments(act: str, given: Given) -> list[str]:
    """Options last: one that takes several names would take what follows."""
    placed: list[str] = []
    options: list[str] = []
    for each in ACTS[act].parameters:
        if each.name not in given:
            continue
        words = texts(each, given[each.name])
        option = f"--{each.name.replace('_', '-')}"
        if isinstance(each, Flag):
            options.append(option)
        elif each.required and each.name != "workers":
            placed += words
        else:
            options += [option, *words]
    return [*placed, *options]


def by_form(app: Celery) -> Door:
    """The page's form, as it is before anything is typed into it; no scripts."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("by-form"))

    def do(act: str, given: Given) -> Done:
        url = address(act, given)
        page = client.get(url).content.decode()
        form, typed = PostedForm(page), entries(act, given)
        assert typed.keys() <= form.fields.keys(), (sorted(typed), sorted(form.fields))
        response = client.post(form.action or url, {**form.fields, **typed}, follow=True)
        said = html.unescape(response.content.decode())
        wrong = re.findall(r'(?:role="alert"|err-ink)[^>]*>(.*?)</(?:p|small)', said)
        assert response.status_code == 200, wrong
        return Done(ControlAction.objects.latest("pk"), said)

    return do


def address(act: str, given: Given) -> str:
    """Of the form that a page links to, with the targets in it."""
    if act == "retry":
        return reverse("celery_monitor:retry", args=[given["id"]])
    if act == "send":
        return reverse("celery_monitor:send") + f"?{urlencode({'task': given['task']})}"
    named: Given = {name: given[name] for name in TARGETS if name in given}
    return reverse("celery_monitor:act", args=[act]) + f"?{urlencode(named, doseq=True)}"


def entries(act: str, given: Given) -> dict[str, Any]:
    """What is typed into it."""
    fixed = ("id",) if act in PUBLISHING else TARGETS
    found = {
        each.name: "\n".join(texts(each, given[each.name]))
        for each in ACTS[act].parameters
        if each.name in given and each.name not in fixed
    }
    for each in ACTS[act].parameters:
        if isinstance(each, Flag) and given.get(each.name):
            found[each.name] = "on"
    if ACTS[act].typed:
        [found["typed"]] = texts(_parameter(act, ACTS[act].typed), given[ACTS[act].typed])
    return found | ({"reason": REASON} if ACTS[act].changes else {})


def _parameter(act: str, name: str) -> Parameter:
    return next(each for each in ACTS[act].parameters if each.name == name)


class PostedForm(HTMLParser):
    """The form of an act among a page's forms: where it goes, and its fields as they begin."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()
        self._inside, self._open = False, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        name = own.get("name", "")
        if tag == "form":
            self._inside = "data-act-form" in own
            self.action = own.get("action", "") if self._inside else self.action
        elif tag == "option" and self._open and "selected" in own:
            self.fields[self._open] = own["value"]
            self._open = ""
        elif self._inside and name and not (tag == "button" and name != "send"):
            self.fields[name] = "" if own.get("type") == "checkbox" else own.get("value", "")
            self._open = name if tag == "select" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside, self._open = False, ""


DOORS: dict[str, Callable[[Celery], Door]] = {
    "python": by_python,
    "page": by_form,
    "api": by_rest,
    "command": by_command,
}
