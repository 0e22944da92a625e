"""What is read of result backends, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from celery import Celery
from celery.backends.base import BaseBackend
from celery.backends.rpc import RPCBackend

from django_celery_monitor.control.results import BackendAwayError, Results


def app_with(backend: str, **conf: Any) -> Celery:
    app = Celery("results", broker="memory://", backend=backend, set_as_current=False)
    app.conf.update(conf)
    return app


@pytest.fixture(params=["cache+memory://", "file://"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Celery:
    url: str = request.param
    return app_with(f"{url}{tmp_path}" if url == "file://" else url)


@pytest.fixture
def task_id() -> str:
    """The one in memory outlives the test."""
    return str(uuid4())


def test_an_end_is_read_with_its_time(app: Celery, task_id: str) -> None:
    results = Results(app)
    assert results.ended(task_id) is None
    app.backend.mark_as_started(task_id)
    assert results.ended(task_id) is None
    app.backend.mark_as_done(task_id, [1, "é"])
    found = results.ended(task_id)
    assert found
    assert (found.state, found.text) == ("SUCCESS", "[1, 'é']")
    assert found.time
    assert datetime.now(UTC) - found.time < timedelta(minutes=1)


class Counted(Exception):
    made: ClassVar[int] = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        Counted.made += 1


def test_no_class_of_the_project_is_called_for_an_error(app: Celery, task_id: str) -> None:
    app.backend.mark_as_failure(task_id, Counted("no stock", 3))
    before = Counted.made
    found = Results(app).ended(task_id)
    assert found
    assert (found.state, found.text) == ("FAILURE", "Counted('no stock', 3)")
    assert Counted.made == before


EXPLODED: list[str] = []


def explode(where: str) -> None:
    EXPLODED.append(where)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return explode, ("here",)


def test_pickles_are_never_decoded_also_where_the_project_accepts_them(
    tmp_path: Path, task_id: str
) -> None:
    app = app_with(
        f"file://{tmp_path}",
        result_serializer="pickle",
        accept_content=["json", "pickle"],
        result_accept_content=["json", "pickle"],
    )
    app.backend.mark_as_done(task_id, Bomb())
    assert Results(app).ended(task_id) is None
    assert EXPLODED == []
    # Nor is the project's own backend touched.
    assert app.backend.get_task_meta(task_id)["status"] == "SUCCESS"
    assert EXPLODED == ["here"]


def test_one_bad_result_is_no_backend_that_is_away(tmp_path: Path, task_id: str) -> None:
    app = app_with(f"file://{tmp_path}")
    app.backend.mark_as_done(task_id, 1)
    for file in tmp_path.iterdir():
        file.write_bytes(b"[]")
    assert Results(app).ended(task_id) is None


def test_a_backend_that_cannot_be_built_is_away(tmp_path: Path) -> None:
    with pytest.raises(BackendAwayError):
        Results(app_with(f"file://{tmp_path}/nowhere")).ended("t1")
    with pytest.raises(BackendAwayError):
        Results(app_with("no_such_package.of:Backend")).ended("t1")


class Rpc(RPCBackend):
    def get_task_meta(self, *_args: Any, **_kwargs: Any) -> Any:
        pytest.fail("Reading takes the result away from its caller.")


class Pickling(BaseBackend):
    def get_task_meta(self, *_args: Any, **_kwargs: Any) -> Any:
        pytest.fail("Reading decodes a pickle.")


# Celery's own needs SQLAlchemy to be imported.
Pickling.__module__ = "celery.backends.database"


@pytest.mark.parametrize(
    "backend", ["disabled://", f"{__name__}:Rpc", f"{__name__}:Pickling", "rpc://"]
)
def test_a_backend_that_must_not_be_read_knows_nothing(backend: str) -> None:
    assert Results(app_with(backend)).ended("t1") is None


def keep(app: Celery, task_id: str, meta: dict[str, Any]) -> None:
    backend: Any = app.backend
    backend.set(backend.get_key_for_task(task_id), backend.encode(meta))


@pytest.mark.parametrize("told", ["yesterday", 7, None])
def test_a_time_that_is_none_is_not_known(tmp_path: Path, task_id: str, told: Any) -> None:
    app = app_with(f"file://{tmp_path}")
    keep(app, task_id, {"status": "SUCCESS", "result": None, "date_done": told})
    found = Results(app).ended(task_id)
    assert found
    assert found.time is None


def test_a_time_without_a_zone_is_utc(tmp_path: Path, task_id: str) -> None:
    app = app_with(f"file://{tmp_path}")
    told = "2026-01-31T14:00:00.5"
    keep(app, task_id, {"status": "REVOKED", "result": None, "date_done": told})
    found = Results(app).ended(task_id)
    assert found
    assert found.time == datetime(2026, 1, 31, 14, 0, 0, 500_000, UTC)
