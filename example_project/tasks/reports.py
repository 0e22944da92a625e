"""Long work for the office."""

from __future__ import annotations

import time

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from example_project.tasks.pretend import chance, work


@shared_task(name="shop.reports.daily_sales")
def daily_sales(day: str) -> str:
    """The slowest task of the shop: a minute or two."""
    work(60, spread=0.5)
    return f"sales-{day}.pdf"


@shared_task(name="shop.reports.export_customer", soft_time_limit=8, time_limit=11)
def export_customer(user_id: int, *, api_token: str) -> str:
    """Sometimes too slow, and sometimes so stuck that the worker must kill it."""
    work(2)
    if chance(0.08):
        _hang()
    return f"customer-{user_id}.zip"


def _hang() -> None:
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        if chance(0.5):
            raise
        time.sleep(30)
