"""Letters to customers."""

from __future__ import annotations

from smtplib import SMTPServerDisconnected
from typing import Any

from celery import Task, shared_task

from example_project.tasks.pretend import chance, work


@shared_task(name="shop.mail.send_receipt", bind=True, max_retries=5)
def send_receipt(self: Task[Any, Any], order_id: int, *, to: str, subject: str) -> str:
    work(0.05)
    if chance(0.04):
        error = SMTPServerDisconnected("Connection unexpectedly closed")
        raise self.retry(exc=error, countdown=3)
    return f"250 2.0.0 Ok: queued as {order_id:08X}"


@shared_task(name="shop.mail.send_newsletter")
def send_newsletter(to: str, subject: str, body: str, *, smtp_password: str) -> int:
    """Subjects are whatever people type in, markup too."""
    work(0.03)
    if chance(0.03):
        raise ValueError(f"Invalid header: {subject}")
    return len(body)
