"""From the basket to the parcel."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore, Reject
from django.db import IntegrityError

from example_project.tasks.errors import CardDeclined, GatewayTimeout
from example_project.tasks.pretend import chance, work


@shared_task(name="shop.orders.confirm")
def confirm(order_id: int, customer: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    work(0.03)
    return {"order": order_id, "customer": customer, "items": len(lines)}


@shared_task(
    name="shop.orders.charge_card",
    autoretry_for=(GatewayTimeout,),
    max_retries=3,
    retry_backoff=2,
    retry_jitter=False,
)
def charge_card(
    order_id: int, amount: str, *, currency: str, card_number: str, cvv: str
) -> dict[str, str]:
    """Retries while the bank is silent: mostly it answers later, sometimes we give up."""
    work(0.35)
    if chance(0.06 if order_id % 20 else 0.95):
        raise GatewayTimeout("no answer from the bank within 3 s")
    if chance(0.05):
        raise CardDeclined("insufficient_funds (code 51)")
    return {"order": str(order_id), "paid": f"{amount} {currency}"}


@shared_task(name="shop.orders.ship", acks_late=True)
def ship(order_id: int, carrier: str) -> str:
    work(0.25)
    if chance(0.015):
        raise IntegrityError(
            'duplicate key value violates unique constraint "shop_parcel_tracking_code_key"'
        )
    return f"{carrier.upper()}-{order_id:010d}"


@shared_task(name="shop.orders.check_fraud", bind=True, acks_late=True)
def check_fraud(self: Task[Any, Any], order_id: int, ip: str) -> float:
    work(0.08)
    if chance(0.003):
        raise Ignore  # the customer has cancelled meanwhile
    if chance(0.01):
        raise Reject(f"no score for {ip}", requeue=False)
    return order_id % 100 / 100


@shared_task(name="shop.orders.cancel_unpaid")
def cancel_unpaid() -> int:
    work(0.02)
    return 0


@shared_task(name="shop.orders.remind_of_basket")
def remind_of_basket(basket: str, *, email: str) -> bool:
    """Sent with an ETA, and revoked when the customer comes back before."""
    work(0.02)
    return True
