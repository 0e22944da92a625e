"""What the shop does in the background. Celery finds the tasks through these imports."""

from __future__ import annotations

from example_project.tasks import images, mail, orders, partners, reports, search, stock

__all__ = ["images", "mail", "orders", "partners", "reports", "search", "stock"]
