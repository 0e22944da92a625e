from __future__ import annotations

import pytest
from celery import Celery
from celery.signals import celeryd_init
from pytest_django import Settings


@pytest.mark.parametrize("wanted", [True, False])
def test_a_worker_that_starts_sends_task_events_if_the_setting_says_so(
    settings: Settings, *, wanted: bool
) -> None:
    settings.CELERY_MONITOR = {"ENABLE_EVENTS": wanted}
    app = Celery("worker", set_as_current=False)
    celeryd_init.send(sender="w1@x", instance=None, conf=app.conf, options={})
    assert app.conf.worker_send_task_events is wanted
