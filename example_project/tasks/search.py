"""The search index."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from example_project.tasks.pretend import work


@shared_task(name="shop.search.reindex_product")
def reindex_product(sku: str, document: dict[str, Any]) -> int:
    """Documents are large and in every script of the world."""
    work(0.15)
    return len(str(document))
