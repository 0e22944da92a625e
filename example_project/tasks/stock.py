"""What lies in the warehouses."""

from __future__ import annotations

from celery import shared_task

from example_project.tasks.pretend import chance, work


@shared_task(name="shop.stock.reserve")
def reserve(sku: str, quantity: int) -> int:
    """The quickest task of the shop: about a millisecond."""
    work(0.001)
    if chance(0.01):
        raise KeyError(sku)
    return quantity


@shared_task(name="shop.stock.sync_warehouse", autoretry_for=(OSError,), default_retry_delay=5)
def sync_warehouse(warehouse: str) -> dict[str, int]:
    work(1.2)
    if chance(0.05):
        raise TimeoutError(f"warehouse {warehouse} does not answer")
    return {"changed": len(warehouse)}
