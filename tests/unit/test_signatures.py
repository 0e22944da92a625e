from __future__ import annotations

from typing import Any

from celery import Celery, Task

from django_celery_monitor.conf import Settings
from django_celery_monitor.ingest.redact import MASK, Redactor
from django_celery_monitor.ingest.signatures import secret_positions

app = Celery("signatures", set_as_current=False)


@app.task(shared=False, name="login")
def login(user: str, password: str, remember: bool = False, *, api_key: str = "") -> None: ...


@app.task(shared=False, name="bound", bind=True)
def bound(self: Task[Any, Any], user: str, access_token: str) -> None: ...


@app.task(shared=False, name="every")
def every(user: str, *passwords: str) -> None: ...


@app.task(shared=False, name="plain")
def plain(user: str, amount: int) -> None: ...


class Charge(Task):  # type: ignore[type-arg] # at run time Celery 5.4 takes no argument
    name = "charge"

    def run(self, amount: int, card_number: str) -> None: ...


app.register_task(Charge())
positions = secret_positions(app, Redactor(Settings().REDACT_KEYS).is_secret)


def test_parameters_are_secret_by_their_names() -> None:
    assert 1 in positions("login")
    assert 0 not in positions("login")
    assert positions("plain") == frozenset()


def test_a_bound_task_and_a_class_do_not_count_self() -> None:
    assert positions("bound") == {1}
    assert positions("charge") == {1}


def test_any_number_of_secrets_is_masked() -> None:
    redactor = Redactor(Settings().REDACT_KEYS, (), positions)
    assert redactor.args("every", "('bob', 'x', 'y')") == f"('bob', {MASK}, {MASK})"


def test_a_secret_that_is_given_by_name_only_has_no_position() -> None:
    def export(customer: int, *, api_token: str) -> None: ...

    app.task(shared=False, name="export")(export)
    assert positions("export") == frozenset()


def test_a_task_that_is_not_registered_has_none() -> None:
    assert positions("nope") == frozenset()


def test_a_task_registered_later_is_found() -> None:
    assert positions("late") == frozenset()
    app.task(shared=False, name="late")(login.run)
    assert 1 in positions("late")


def test_a_signature_that_cannot_be_read_has_none() -> None:
    def odd(password: str) -> None: ...

    setattr(app.task(shared=False, name="odd")(odd), "run", "not callable")  # noqa: B010 # no method, says mypy
    assert positions("odd") == frozenset()


def test_tasks_are_imported_first_as_a_worker_does() -> None:
    lazy = Celery("lazy", set_as_current=False)
    lazy.conf.imports = ("tests.project.tasks",)
    secret_positions(lazy, lambda _name: False)
    assert "tests.project.tasks.add" in lazy.tasks
