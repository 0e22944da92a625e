"""What real workers said, stored at once and in pieces, ends in the same rows."""

from __future__ import annotations

import random

import pytest

from django_celery_monitor.pipeline import Pipeline
from tests.contract.stored import counts, everything, recounted, recounted_stats, stats
from tests.contract.test_batches import undone
from tests.project.celery import app
from tests.recorded.expected import expected
from tests.recorded.files import Recording, recordings

pytestmark = pytest.mark.django_db(databases="__all__")

ARRIVED = max(recording.arrived for recording in recordings())


def of_pool(pool: str) -> list[Recording]:
    return [recording for recording in recordings() if recording.pool == pool]


@pytest.mark.parametrize(("pool", "size"), [("prefork", 60), ("threads", 20), ("solo", 7)])
def test_in_any_order_and_any_batches(alias: str, pool: str, size: int) -> None:
    said = [body for recording in of_pool(pool) for body in recording.bodies]
    with undone(alias):
        Pipeline(app).store(said, ARRIVED)
        at_once = everything()
        states = sorted(task["state"] for task in at_once["tasks"])
        assert states == sorted(
            told.state for recording in of_pool(pool) for told in expected(recording).values()
        )
    pieces = [piece for body in said for piece in Pipeline(app).split(body)]
    shuffled = [*pieces, *pieces[::5]]
    random.Random(size).shuffle(shuffled)
    with undone(alias):
        for start in range(0, len(shuffled), size):
            Pipeline(app).store(shuffled[start : start + size], ARRIVED)
        assert everything() == at_once
        assert stats() == recounted_stats()
        assert counts() == recounted()
