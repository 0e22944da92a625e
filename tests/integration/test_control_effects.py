"""Every act through every door to a real worker, on which its effect is seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from django_celery_monitor.control.acts.registry import ACTS
from tests.integration.acting import _no_thread_is_left
from tests.integration.doors import DOORS, lead_to
from tests.integration.effects import EFFECTS, Scene, wrong_of
from tests.integration.stage import Stage, known, staged, unhurried

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # How Celery's AbortableTask keeps a state in Redis.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

__all__ = ["_no_thread_is_left"]

# Each broker sees each act twice, from two doors.
BROKERS = {"redis": ("python", "page"), "rabbitmq": ("api", "command")}


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    redis_databases: Iterator[str],
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("workers")
    with staged(request.param, redis_databases, folder) as found:
        found.start("prefork", "-c", "2", pool="prefork")
        found.start("scaled", "--autoscale=2,1", pool="prefork")
        for door in BROKERS[found.broker]:
            found.start(f"mortal-{door}", "-c", "1", pool="prefork")
        found.wait_for("prefork", "scaled")
        yield found


def test_the_table_has_every_act() -> None:
    assert set(EFFECTS) == set(ACTS)


@pytest.mark.parametrize(
    ("stage", "door"),
    [(broker, door) for broker, doors in BROKERS.items() for door in doors],
    indirect=["stage"],
    scope="module",
)
def test_each_act_through_each_door_is_seen_on_the_worker(
    stage: Stage, door: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(stage)
    unhurried(settings, monkeypatch)
    lead_to(stage.app, monkeypatch)
    scene = Scene(stage, DOORS[door](stage.app), door, BROKERS[stage.broker].index(door))
    assert wrong_of(scene) == ""
