"""The doors to acts: REST, command, and the audit in REST and admin."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.management.commands.celerymonitor_control import LATER, NOBODY
from django_celery_monitor.models import ControlAction, ControlTarget
from tests.integration.acting import _no_thread_is_left
from tests.integration.kept import a_task, a_worker
from tests.integration.people import person, signed_in

# Threads that ask the result backend see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_thread_is_left"]

V1 = "/monitor/api/v1"


def post(client: Client, act: str, **given: Any) -> Any:
    return client.post(f"{V1}/acts/{act}", json.dumps(given), content_type="application/json")


def an_action(**values: Any) -> ControlAction:
    targets = values.pop("targets", ())
    defaults = {"act": "revoke", "user_name": "ann", "source": "api", "started_at": timezone.now()}
    action = ControlAction.objects.create(**{**defaults, **values})
    for kind, value in targets:
        ControlTarget.objects.create(action=action, kind=kind, value=value)
    return action


def test_rest_answers_with_the_entry_and_what_nobody_said() -> None:
    a_worker("w1@h")
    a_task("a")
    client = signed_in(person("ann", "revoke_task", "view_controlaction"))
    found = post(client, "revoke", ids=["a"], reason="wrong price")
    assert found.status_code == 200
    told = found.json()
    assert (told["outcome"], told["silent"], told["user"]) == ("nobody_answered", ["w1@h"], "ann")
    assert told["targets"] == [{"kind": "task", "value": "a"}]
    assert "forget" in told["lasting"]
    assert (told["replies"], told["told"]) == ({}, {})
    again = client.get(f"{V1}/actions/{told['id']}").json()
    assert again == {key: told[key] for key in again}
    assert (again["source"], again["reason"]) == ("api", "wrong price")


@pytest.mark.parametrize(
    ("act", "given", "status", "says"),
    [
        ("revoke", {}, 400, "ids: is missing"),
        ("revoke", {"ids": ["a"], "other": 1}, 400, "other"),
        ("revoke", {"ids": ["a"], "reason": 5}, 400, "JSON object"),
        ("revoke", {"ids": ["unknown"]}, 404, "unknown"),
        ("rate_limit", {"task": "shop.pay", "rate": "fast"}, 400, "rate"),
        ("pool_grow", {"workers": ["none@h"]}, 404, "none@h"),
    ],
)
def test_rest_says_what_is_wrong(act: str, given: dict[str, Any], status: int, says: str) -> None:
    client = signed_in(person("ann", ACTS[act].codename))
    found = post(client, act, **given)
    assert (found.status_code, found["Content-Type"]) == (status, "application/problem+json")
    assert says in found.json()["detail"]


def test_rest_takes_nothing_but_json_and_wants_a_token_of_the_page() -> None:
    client = signed_in(person("ann", "view_worker"))
    assert client.post(f"{V1}/acts/ping", {"reason": "x"}).status_code == 400
    for body in ("[]", "{", "5"):
        url = f"{V1}/acts/ping"
        assert client.post(url, body, content_type="application/json").status_code == 400
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert post(strict, "ping").status_code == 403
    assert not ControlAction.objects.exists()


def test_rest_says_503_when_the_broker_is_away_and_that_nothing_was_sent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.integration.collecting import app_on

    monkeypatch.setattr(
        "django_celery_monitor.control.perform.find_app", lambda: app_on("redis://127.0.0.1:1/0")
    )
    client = signed_in(person("ann", "view_worker"))
    found = post(client, "ping")
    assert found.status_code == 503
    problem = found.json()
    assert (problem["sent"], problem["action"]) == (False, ControlAction.objects.get().pk)


def test_read_only_closes_the_door_to_acts_and_leaves_that_to_questions(
    settings: Settings,
) -> None:
    settings.CELERY_MONITOR = {**settings.CELERY_MONITOR, "READ_ONLY": True}
    client = signed_in(person("ann", "view_worker", "control_worker"))
    assert post(client, "heartbeat").status_code == 403
    assert post(client, "ping").status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1]),
        ("user=bob", [3]),
        ("act=purge", [2]),
        ("target=worker:w1@h", [1]),
        ("target=mail", [3, 2]),
        ("target=queue:mail", [2]),
        ("outcome=refused", [2]),
        ("source=command", [3]),
        ("after=1d", [3, 2]),
        ("before=1d", [1]),
        ("limit=2", [3, 2]),
        ("limit=2&cursor=2", [1]),
    ],
)
def test_the_audit_is_filtered(query: str, expected: list[int]) -> None:
    old = timezone.now() - timedelta(days=2)
    an_action(id=1, targets=[("worker", "w1@h")], started_at=old)
    an_action(id=2, act="purge", outcome="refused", targets=[("queue", "mail")])
    an_action(id=3, user_name="bob", source="command", targets=[("type", "mail")])
    client = signed_in(person("ann", "view_controlaction"))
    page = client.get(f"{V1}/actions?{query}").json()
    assert [each["id"] for each in page["items"]] == expected
    assert page["next"] == ("2" if query == "limit=2" else None)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", "after=never", "what=1", "limit=0"])
def test_a_question_to_the_audit_that_makes_no_sense(query: str) -> None:
    client = signed_in(person("ann", "view_controlaction"))
    assert client.get(f"{V1}/actions?{query}").status_code == 400


def test_the_admin_shows_the_audit_and_gives_it_as_a_file() -> None:
    an_action(
        reason="=1+1", targets=[("task", "a")], replies={"w@h": {"verdict": "done", "text": "ok"}}
    )
    an_action(act="purge", user_name="bob", targets=[("queue", "mail")])
    client = signed_in(person("ann", "view_controlaction", staff=True))
    base = "/admin/django_celery_monitor/controlaction/"
    listed = client.get(f"{base}?act=purge").content.decode()
    assert "queue:mail" in listed
    assert "task:a" not in listed
    assert f"{base}csv/?act=purge" in listed
    assert "queue:mail" in client.get(f"{base}?q=mail").content.decode()
    assert (
        "w@h: done ok"
        in client.get(f"{base}{ControlAction.objects.earliest('id').pk}/change/").content.decode()
    )
    rows = list(csv.DictReader(StringIO(client.get(f"{base}csv/").content.decode())))
    assert [row["act"] for row in rows] == ["purge", "revoke"]
    assert (rows[1]["reason"], rows[1]["targets"]) == ("'=1+1", "task:a")
    assert len(client.get(f"{base}csv/?act=purge").content.decode().splitlines()) == 2
    assert signed_in(person("bob", staff=True)).get(f"{base}csv/").status_code == 403


def run(*arguments: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("celerymonitor_control", *arguments, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}", error.returncode
    return out.getvalue(), 0


def test_the_command_acts_for_the_user_of_the_operating_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "deploy")
    a_worker("w1@h")
    said, status = run("revoke", "a", "b", "--unseen", "--reason", "wrong price")
    assert status == NOBODY
    assert "w1@h: did not answer" in said
    assert "Nobody answered" in said or "nobody answered" in said
    action = ControlAction.objects.get()
    assert (action.user_id, action.user_name, action.source) == ("", "deploy", "command")
    assert (action.target_count, action.reason) == (2, "wrong price")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["revoke", "a"], 1, "No such task is kept: a."),
        (["rate_limit", "shop.pay", "fast"], 1, "must look like 5/s"),
        (["shutdown"], 1, "--workers"),
        (["dance"], 1, "dance"),
        (["ping", "--app", "no.such:app"], 1, "no.such"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], status: int, says: str) -> None:
    assert run(*arguments)[1] == status
    assert says in run(*arguments)[0]
    assert not ControlAction.objects.exists()


def test_the_command_says_when_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.integration.collecting import app_on

    path = "django_celery_monitor.management.commands.celerymonitor_control.find_app"
    monkeypatch.setattr(path, lambda _path: app_on("redis://127.0.0.1:1/0"))
    said, status = run("ping", "--json")
    assert status == LATER
    assert "does not answer" in said


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_the_command_has_every_act_with_its_parameters(
    act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command("celerymonitor_control", act.name, "--help")
    said = capsys.readouterr().out
    for each in act.parameters:
        assert each.name in said or f"--{each.name.replace('_', '-')}" in said
