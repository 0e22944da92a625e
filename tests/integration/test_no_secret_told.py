"""No secret is in what sockets, workers' replies, previews and errors say either."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given

from django_celery_monitor.control import previews, sending
from django_celery_monitor.control.acts.base import Outcome, Result
from django_celery_monitor.control.acts.inspections import INSPECTIONS
from django_celery_monitor.control.acts.send import Send
from django_celery_monitor.control.errors import BadParametersError, UnavailableError
from django_celery_monitor.control.operations import Chosen, begin, parsed
from django_celery_monitor.control.way import Way
from django_celery_monitor.live.consumer import LiveConsumer
from django_celery_monitor.live.messages import Change, to_layer
from django_celery_monitor.live.watcher import Watcher
from django_celery_monitor.models import ControlAction, Operation, SavedView, Task
from tests.integration.acting import _no_thread_is_left
from tests.integration.made import HOST, a_collector, a_worker, root_client, superuser
from tests.integration.planting import (
    CORE,
    LOGIN,
    OWN,
    PATTERN,
    app,
    few,
    in_tables,
    leaks,
    redaction,
    replied,
    secrets,
    store,
)
from tests.integration.sockets import in_loop, opened

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("app")]

__all__ = ["_no_thread_is_left", "app", "redaction"]

BOTH = f"{PATTERN} {OWN}"


def said_by_workers(secret: str, uuid: str) -> dict[str, Any]:
    """By command; what is not named is refused, with the secret in the error."""
    found = replied(secret, uuid)
    text = f"{BOTH} password={secret!r}"
    held = found["active"][0]
    return {
        **found,
        "query_task": {uuid: ["active", held]},
        "report": {"ok": f"broker -> amqp://bob:{CORE}@mq/ {text}"},
        "ping": {"ok": text},
        "memsample": text,
        "memdump": text,
        "objgraph": {"filename": "/tmp/a", "note": text},
    }


def answering(monkeypatch: pytest.MonkeyPatch, said: Mapping[str, Any], error: str) -> None:
    def send(_way: Way, command: str, *_rest: Any) -> list[tuple[str, Any]]:
        return [(HOST, said.get(command, {"error": error}))]

    monkeypatch.setattr(Way, "send", send)
    monkeypatch.setattr(Way, "ask", send)


def posts(uuid: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every question to workers, and some acts that they refuse."""
    given = {"query_task": {"ids": [uuid]}, "objgraph": {"workers": [HOST]}}
    for act in INSPECTIONS:
        if act.name != "report":
            yield act.name, given.get(act.name, {})
    yield "revoke", {"ids": [uuid]}
    yield "rate_limit", {"task": LOGIN, "rate": "1/s"}
    yield "pool_grow", {"workers": [HOST], "n": 1}


def by_rest(client: Client, act: str, body: dict[str, Any]) -> Any:
    url = reverse(f"celery_monitor:api:do_{act}")
    return client.post(url, json.dumps(body), content_type="application/json")


def found_in(answers: Mapping[str, str]) -> dict[str, set[str]]:
    return {name: leaks(text) for name, text in answers.items() if leaks(text)}


@few(2)
@given(secret=secrets)
def test_no_reply_of_a_worker_tells_one(secret: str) -> None:
    uuid, client, answers = store(secret), root_client(), {}
    a_worker()
    with pytest.MonkeyPatch.context() as patch:
        answering(patch, said_by_workers(secret, uuid), f"{BOTH} token={secret!r}")
        for act, body in posts(uuid):
            answer = by_rest(client, act, body)
            assert answer.status_code == 200, (act, answer.content)
            answers[f"rest {act}"] = answer.content.decode()
            url = reverse("celery_monitor:act", args=[act])
            page = client.post(url, body, follow=True)
            assert page.status_code == 200, act
            answers[f"page {act}"] = page.content.decode()
    assert found_in(answers) == {}
    assert in_tables() == {}
    assert ControlAction.objects.filter(replies__has_key=HOST).exists()


@pytest.mark.parametrize("act", ["revoke", "ping"])
def test_no_error_of_a_broker_tells_one(
    act: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    uuid, client = store(CORE), root_client()

    def away(*_args: Any) -> Any:
        raise UnavailableError(f"amqp://bob:{CORE}@mq/ does not answer: {BOTH} token={CORE}")

    monkeypatch.setattr(Way, "send", away)
    body = {"ids": [uuid]} if act == "revoke" else {}
    rest = by_rest(client, act, body)
    page = client.post(reverse("celery_monitor:act", args=[act]), body)
    assert (rest.status_code, page.status_code) == (503, 503)
    with pytest.raises(CommandError) as caught:
        call_command("celerymonitor_control", act, *body.get("ids", ()))
    answers = {"rest": rest.content.decode(), "page": page.content.decode()}
    assert found_in({**answers, "command": str(caught.value), "log": caplog.text}) == {}
    assert f"{act} by " in caplog.text
    assert "does not answer" in answers["rest"]
    assert in_tables() == {}


@few(2)
@given(secret=secrets)
def test_what_is_sent_is_kept_and_shown_without_it(secret: str) -> None:
    store(secret)
    client = root_client()
    body = {"task": LOGIN, "args": ["bob", secret], "kwargs": {}, "headers": {"token": secret}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "run", lambda *_: Result(outcome=Outcome.CONFIRMED))
        answer = by_rest(client, "send", body)
    assert answer.status_code == 200, answer.content
    assert found_in({"rest": answer.content.decode()}) == {}
    assert in_tables() == {}
    plan, _targets = Send().planned(None, Send().validated(body))
    assert found_in({"preview": repr(previews.preview(plan))}) == {}


def test_what_is_masked_cannot_be_run_again_and_says_so_without_it() -> None:
    uuid = store(CORE)
    client = root_client()
    page = client.post(reverse("celery_monitor:retry", args=[uuid]), {"confirm": "on"})
    rest = by_rest(client, "retry", {"id": uuid, "confirm": True})
    assert (page.status_code, rest.status_code) == (400, 400)
    assert found_in({"page": page.content.decode(), "rest": rest.content.decode()}) == {}


@pytest.mark.parametrize("query", [f"q=token%3D{CORE}", f"kwargs.password={CORE}", f"q={PATTERN}"])
def test_a_filter_with_a_secret_is_kept_neither_for_an_operation_nor_as_a_view(query: str) -> None:
    store(CORE)
    with pytest.raises(BadParametersError, match="masked in every task"):
        begin(superuser(), "revoke", Chosen(expression=parsed(query)))
    url = reverse("celery_monitor:save_view")
    answer = root_client().post(url, {"name": "mine", "query": query})
    assert answer.status_code == 400
    assert not Operation.objects.exists()
    assert not SavedView.objects.exists()
    assert in_tables() == {}


def test_an_operation_and_its_pages_tell_none() -> None:
    uuid, root = store(CORE), superuser()
    operation = begin(root, "revoke", Chosen(ids=[uuid]), reason=f"{BOTH} token={CORE}")
    client = root_client()
    answers = {}
    for name in ("operation", "api:get_operation"):
        url = reverse(f"celery_monitor:{name}", args=[operation.pk])
        answers[name] = client.get(url).content.decode()
    for name in ("operations", "api:list_operations", "audit", "audit_export"):
        answer: Any = client.get(reverse(f"celery_monitor:{name}"))
        answers[name] = b"".join(answer).decode()
    assert found_in(answers) == {}
    assert in_tables() == {}


@pytest.mark.parametrize("query", ["", "q=login", None])
@few(2)
@given(secret=secrets)
def test_no_message_of_a_socket_tells_one(secret: str, query: str | None) -> None:
    a_collector()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watcher, "interval", 0.01)
        patch.setattr(LiveConsumer, "pause_seconds", 0.0)
        hears_none(secret, query)


def ids() -> list[str]:
    return list(Task.objects.values_list("pk", flat=True))


@in_loop
async def hears_none(secret: str, query: str | None) -> None:
    async with opened(await sync_to_async(root_client)()) as found:
        heard = [found.hello]
        for said in ({"type": "ping"}, {"type": "subscribe", "query": query}):
            await found.send_json_to(said)
            heard.append(await found.receive_json_from())
        await sync_to_async(store)(secret)
        while heard[-1]["type"] != "changed":
            heard.append(await found.receive_json_from())
        # What cannot be understood is explained.
        await found.send_json_to({"type": "subscribe", "query": "state=a&after=what"})
        while heard[-1]["type"] != "error":
            heard.append(await found.receive_json_from())
    heard.append(to_layer(Change.of(1, await sync_to_async(ids)(), [HOST])))
    assert found_in({"socket": json.dumps(heard, ensure_ascii=False)}) == {}
