"""What nobody would send but who looks for a hole: refused, never an error of ours."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from django_celery_monitor.control import sending
from django_celery_monitor.control.acts.base import Outcome, Result
from django_celery_monitor.models import Operation
from django_celery_monitor.reading.audit_csv import cell
from tests.integration.kept import a_task, a_worker
from tests.integration.made import client_of, root_client
from tests.integration.sockets import in_loop, opened

pytestmark = pytest.mark.django_db

HALF = "\ud800"
DEEP = "[" * 100_000
V1 = "/monitor/api/v1"


@pytest.fixture(autouse=True)
def rows(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    a_task("a-1", name="shop.secret")
    a_worker("w1@host")
    monkeypatch.setattr(sending, "run", lambda *_: Result(outcome=Outcome.CONFIRMED))


def posted(path: str, body: str) -> int:
    answer = root_client().post(f"{V1}/{path}", body, content_type="application/json")
    return answer.status_code


@pytest.mark.parametrize("path", ["acts/revoke", "acts/send", "operations"])
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        json.dumps({"ids": [HALF]}),
        json.dumps({"act": "revoke", "ids": [HALF], "task": "shop.pay", "reason": HALF}),
        json.dumps({"act": "revoke", "filter": f"name={HALF}"}),
        json.dumps({"act": "revoke", "filter": "name=a%00b"}),
        json.dumps({"act": "revoke", "filter": "after=99999999999999d"}),
        json.dumps({"act": "revoke", "of": "\0"}),
        json.dumps({"ids": [f"a{n}" for n in range(5000)], "act": "revoke"}),
        json.dumps({"ids": [{"a": 1}], "act": ["revoke"]}),
        json.dumps({"reason": "x" * 1_500_000}),
        json.dumps({"reason": "x" * 3_000_000}),
        '{"countdown": 1e999, "task": "shop.pay", "act": "revoke", "rest": 1e999}',
        '{"act": "revoke", "rest": NaN, "ids": ["a-1"]}',
        "9" * 10_000,
    ],
    ids=range(14),
)
def test_bodies_that_nobody_can_mean_are_refused(path: str, body: str) -> None:
    assert posted(path, body) in (400, 404)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("ids", [DEEP, "{}", "[[]]", "1"])
def test_the_page_of_an_operation_was_an_error_where_ids_were_nested_deep(ids: str) -> None:
    url = reverse("celery_monitor:new_operation")
    answer = root_client().post(url, {"act": "revoke", "ids": ids, "confirmed": "1"})
    assert answer.status_code in (302, 400)


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        " //evil.example",
        "http:///evil.example",
    ],
)
def test_nobody_is_sent_to_another_site_after_an_act(url: str) -> None:
    form = reverse("celery_monitor:act", args=["revoke"])
    answer = root_client().post(f"{form}?ids=a-1", query_params={"ids": "a-1", "next": url})
    assert answer.status_code == 302
    place = answer.headers["Location"]
    assert "evil" not in place or place.startswith("/%09/evil")
    assert "javascript" not in place


def test_a_line_break_in_the_way_back_makes_no_header() -> None:
    form = reverse("celery_monitor:act", args=["revoke"])
    given = {"ids": "a-1", "next": "/monitor/\r\nSet-Cookie: a=b"}
    answer = root_client().post(form, query_params=given)
    assert "a" not in answer.cookies
    assert "\n" not in answer.headers.get("Location", "")


def test_the_name_of_a_task_was_told_to_who_may_act_but_not_see() -> None:
    form = reverse("celery_monitor:act", args=["revoke"])
    assert "shop.secret" not in client_of("revoke_task").get(f"{form}?ids=a-1").text
    assert "shop.secret" in client_of("revoke_task", "view_task").get(f"{form}?ids=a-1").text


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_file_is_a_formula(sign: str) -> None:
    assert cell(f"{sign}1+1") == f"'{sign}1+1"
    assert cell(f"a{sign}") == f"a{sign}"


@in_loop
async def says(client: Client, text: str) -> None:
    async with opened(client) as found:
        await found.send_to(text_data=text)
        await found.send_json_to({"type": "ping"})
        assert (await found.receive_json_from())["type"] == "pong"


@pytest.mark.parametrize("text", ["[" * 2000, "{", "[]", "1", "nul", "9" * 5000])
def test_a_socket_died_of_what_was_nested_deep(text: str) -> None:
    says(root_client(), text)
