"""A Celery app with nothing in it, for monitors that know no Django."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("benchmarks", broker=os.environ.get("TEST_BROKER_URL"))
