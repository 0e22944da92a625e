from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from celery.utils.saferepr import saferepr
from hypothesis import given
from hypothesis import strategies as st

from django_celery_monitor.conf import Settings
from django_celery_monitor.ingest.redact import MASK, Redactor
from tests.streams import examples

REDACTOR = Redactor(Settings().REDACT_KEYS)
# Whatever is around it, a secret that survives shows this at its beginning or its end.
CORE = "hunter2"


@dataclass
class Login:
    user: str
    password: Any


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'user': 'bob', 'password': 'x'}", "{'user': 'bob', 'password': #}"),
        ("{'password': 'x', 'user': 'bob'}", "{'password': #, 'user': 'bob'}"),
        ("{'a': {'b': {'api_key': 'x'}, 'c': 1}}", "{'a': {'b': {'api_key': #}, 'c': 1}}"),
        ('{"token":"x","user":"bob"}', '{"token":#,"user":"bob"}'),
        ("{'Authorization': 'Bearer x', 'Host': 'y'}", "{'Authorization': #, 'Host': 'y'}"),
        ("{'X-Auth-Token': b'x', 'n': 1}", "{'X-Auth-Token': #, 'n': 1}"),
        ("{b'password': b'x'}", "{b'password': #}"),
        ("Login(user='bob', password='x')", "Login(user='bob', password=#)"),
        ("Login(password='x', user='bob')", "Login(password=#, user='bob')"),
        ("{'token': None, 'user': 'bob'}", "{'token': #, 'user': 'bob'}"),
        ("{'tokens': ['x', ('y', {'z': 1})], 'n': 1}", "{'tokens': #, 'n': 1}"),
        ("{'secret': UUID('1-2'), 'n': 1}", "{'secret': #, 'n': 1}"),
        ("{'ssn': 123, 'n': 1}", "{'ssn': #, 'n': 1}"),
        ("{'password': '', 'n': 1}", "{'password': #, 'n': 1}"),
        # Quotes inside values, escaped or not.
        (r"{'password': 'it\'s', 'n': 1}", "{'password': #, 'n': 1}"),
        ("""{'password': "it's", 'n': 1}""", "{'password': #, 'n': 1}"),
        ("{'password': b'it's', 'n': 1}", "{'password': #"),
        (r"{'password': 'x\\'} y', 'n': 1}", "{'password': #"),
        # JSON in a text, and in a text in a text.
        ("""('{"password": "a, b", "n": 1}',)""", """('{"password": #, "n": 1}',)"""),
        (r'"{\"password\": \"a, b\", \"n\": 2}"', r'"{\"password\": #, \"n\": 2}"'),
        # What has no clear end hides the rest.
        ("{'password': 'x...", "{'password': #"),
        ("{'password': [1, 2", "{'password': #"),
        ("{'password': <Secret x>, 'n': 1}", "{'password': #"),
        ("bad login: password=a, b and so on", "bad login: password=#"),
        ("token: x y z", "token: #"),
        ("{'password': 'x' + 'y'}", "{'password': #"),
        # URLs.
        ("amqp://bob:x@rabbit:5672//", "amqp://bob:#@rabbit:5672//"),
        ("redis://:x@cache/0", "redis://:#@cache/0"),
        ("smtp://me@shop.com:x@mail", "smtp://me@shop.com:#@mail"),
        ("postgres://bob:it's@db/shop", "postgres://bob:#@db/shop"),
        ("('amqp://bob:abc...', 1)", "('amqp://bob:#@...', 1)"),
        ("http://shop.com:8000/a@b", "http://shop.com:#@b"),
        ("http://shop.com:8000/orders...", "http://shop.com:8000/orders..."),
        ("('https://shop.com/?token=x&p=2', 1)", "('https://shop.com/?token=#&p=2', 1)"),
        # Not secrets.
        ("('forgot_password', 'bob')", "('forgot_password', 'bob')"),
        ("Invalid token.", "Invalid token."),
        ("https://shop.com:8000/orders/7", "https://shop.com:8000/orders/7"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected.replace("#", MASK)


RENDERINGS: tuple[Callable[[Any], str], ...] = (
    lambda secret: saferepr({"user": "bob", "password": secret, "n": 1}, maxlen=1024),
    lambda secret: saferepr({"user": {"api_token": secret}, "n": [1]}, maxlen=1024),
    lambda secret: saferepr({"password": [secret, {"x": secret}], "n": 1}, maxlen=1024),
    lambda secret: saferepr({"n": 1, "password": secret}, maxlen=24),
    lambda secret: repr({"password": secret, "user": "bob"}),
    lambda secret: repr({"password": {secret: (secret,)}}),
    lambda secret: repr(Login("bob", secret)),
    lambda secret: repr([ValueError(f"{{'password': {secret!r}, 'n': 1}}")]),
    lambda secret: json.dumps({"password": secret, "n": 1}),
    lambda secret: json.dumps([{"body": json.dumps({"password": secret, "n": 1})}]),
    lambda secret: saferepr((json.dumps({"password": secret, "n": 1}),)),
    lambda secret: f"login as bob failed: password={secret}",
    lambda secret: f"{{'n': 1, 'password': <Hidden {secret!r}>, 'm': 2}}",
)
secrets = st.builds(
    "".join,
    st.tuples(
        st.just(CORE),
        st.lists(st.sampled_from((*"""'"\\,:={}[]()<> \n&?@/é""", "', '", "'}", "a", "...")))
        .map("".join)
        .filter(lambda text: CORE not in text),
        st.just(CORE),
    ),
)


@pytest.mark.parametrize("render", RENDERINGS)
@examples(40)
@given(secret=secrets)
def test_no_secret_survives_under_a_secret_key(render: Callable[[Any], str], secret: str) -> None:
    text = render(secret)
    assert CORE not in REDACTOR.text(text)
    cut = text[: text.find(CORE) + 3 * len(CORE) // 2]
    assert CORE not in REDACTOR.text(cut)


@examples(100)
@given(secret=secrets, depth=st.integers(0, 3))
def test_no_secret_survives_in_json_values(secret: str, depth: int) -> None:
    value: Any = {"session_id": [secret], "note": f"password={secret}"}
    for _level in range(depth):
        value = {"more": [value, f"token: {secret}"], "MyToken": secret}
    assert CORE not in json.dumps(REDACTOR.value(value))


def test_json_values_keep_what_is_not_secret() -> None:
    value = {"user": "bob", "password": "x", "list": [1, None, {"cvv": 7}], "ok": True}
    assert REDACTOR.value(value) == {
        "user": "bob",
        "password": MASK,
        "list": [1, None, {"cvv": MASK}],
        "ok": True,
    }


def test_patterns_mask_what_they_match_in_texts_and_in_numbers() -> None:
    redactor = Redactor((), (r"\b\d{16}\b", r"sk_\w+"))
    assert redactor.text("card 4111111111111111, sk_live_1") == f"card {MASK}, {MASK}"
    value = {"card": 4111111111111111, "n": 12, "sk_live_1": "x", "ok": True}
    assert redactor.value(value) == {"card": MASK, "n": 12, MASK: "x", "ok": True}


def test_without_keys_nothing_is_masked() -> None:
    assert Redactor(()).text("password='x'") == "password='x'"


def test_keys_of_any_shape_and_case() -> None:
    redactor = Redactor(("API key", "geheim"))
    assert redactor.text("api KEY: x") == f"api KEY: {MASK}"
    assert redactor.text("{'MeinGeheimnis': 'x'}") == f"{{'MeinGeheimnis': {MASK}}}"


POSITIONAL = Redactor(
    Settings().REDACT_KEYS, (), lambda name: frozenset({1} if name == "login" else ())
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("('bob', 'x', 3)", "('bob', #, 3)"),
        ("['bob', 'x']", "['bob', #]"),
        ("('bob',)", "('bob',)"),
        ("('bob', 'x...', ...)", "('bob', #, ...)"),
        ("({'a': [1]}, ('x', 'y'), 'z')", "({'a': [1]}, #, 'z')"),
        (r"('o\', \'n', 'x', 3)", r"('o\', \'n', #, 3)"),
        ("(Decimal('1.5'), 'x', 3)", "(Decimal('1.5'), #, 3)"),
        # From where the items cannot be told apart.
        ("(<User a, b>, 'x', 3)", "(#"),
        (r"('C:\', 'x', 3)", "(#"),
        (r"('o\\', \'n', 'x', 3)", "(#"),
        ("('bob', 'x", "('bob', #"),
        ("('bob', 'x', <User a>, 'y')", "('bob', #, <User a>, 'y')"),
        ("bob, x", "#"),
        ("()", "()"),
        ("", "#"),
        ("(]", "(]"),
    ],
)
def test_positional_arguments(text: str, expected: str) -> None:
    assert POSITIONAL.args("login", text) == expected.replace("#", MASK)
    assert POSITIONAL.args("other", text) == text


@examples(100)
@given(user=secrets, secret=secrets, maxlen=st.integers(10, 200))
def test_no_positional_secret_survives(user: str, secret: str, maxlen: int) -> None:
    user = user.replace(CORE, "bob")
    for text in (saferepr((user, secret, 1), maxlen=maxlen), repr((user, secret, [2]))):
        assert CORE not in POSITIONAL.args("login", text)


def test_arguments_that_came_as_json() -> None:
    assert POSITIONAL.args("login", ["bob", "x", {"pin": "1", "token": "y"}]) == [
        *("bob", MASK, {"pin": "1", "token": MASK})
    ]
    assert POSITIONAL.args("login", {"0": "x"}) == MASK
    assert POSITIONAL.args("other", [["token", 1]]) == [["token", 1]]


def test_code_in_a_traceback_hides_no_more_than_its_line() -> None:
    found = REDACTOR.traceback(
        "Traceback (most recent call last):\n"
        '  File "/srv/shop/login.py", line 3, in login\n'
        "    check(user, password=password, token=token)\n"
        "          ^^^^^^^^^^^^^^\n"
        '  File "/srv/shop/check.py", line 9, in check\n'
        '    api(password="hunter2")\n'
        "shop.LoginError: wrong password='hunter2\n"
        "hunter2', says hunter2\n"
    )
    assert found == (
        "Traceback (most recent call last):\n"
        '  File "/srv/shop/login.py", line 3, in login\n'
        f"    check(user, password={MASK}\n"
        "          ^^^^^^^^^^^^^^\n"
        '  File "/srv/shop/check.py", line 9, in check\n'
        f"    api(password={MASK})\n"
        f"shop.LoginError: wrong password={MASK}\n"
    )


def test_a_long_text_takes_no_long_time() -> None:
    """Each of these was quadratic; together they take far less than a second."""
    for text in ("a" * 32_000 + " token", "token" * 6_000, "token='" + r"\'" * 15_000):
        assert len(REDACTOR.text(text)) <= len(text) + 10
    assert UUID(int=0).hex not in REDACTOR.text("token=" + "[" * 100_000 + UUID(int=0).hex)


@pytest.mark.parametrize(
    "text",
    [
        "('a', {'token': 'x', 'b': [1]}, 'c')",
        "{'token': 'x', 'b': [1]}",
        "{'b': 1, 'token': 'x'}",
        '{"token": "x", "b": 2}',
    ],
)
@pytest.mark.parametrize("secret", [frozenset(), frozenset({0}), frozenset({1})])
def test_what_the_recorder_masked_loses_no_more_in_the_collector(
    text: str, secret: frozenset[int]
) -> None:
    redactor = Redactor(("token",), (), lambda _name: secret)
    once = redactor.args("", text) if text[0] == "(" else redactor.text(text)
    again = redactor.args("", once) if text[0] == "(" else redactor.text(once)
    assert MASK in once or not secret
    assert again == once
