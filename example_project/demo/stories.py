"""What happens in a shop, as calls of its tasks.

The same stories are told twice: the workload sends them to the workers, and the history pretends
that workers ran them last week.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from example_project.demo.goods import CARRIERS, HOSTILE, Goods


@dataclass(frozen=True, slots=True)
class Call:
    """One task to send. Times are in seconds from now."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    countdown: float | None = None
    expires: float | None = None
    revoke_after: float | None = None


@dataclass(frozen=True, slots=True)
class Story:
    calls: tuple[Call, ...]
    # How the calls hang together. A chord's last call is its body.
    shape: Literal["single", "chain", "group", "chord"] = "single"


def tell(goods: Goods) -> Story:
    """The next thing that happens, in the proportions of a shop."""
    (teller,) = goods.rng.choices(list(TELLERS), weights=list(TELLERS.values()))
    return teller(goods)


def purchase(goods: Goods) -> Story:
    order, to = goods.order_id(), goods.email()
    subject = f"Your order {order}, {goods.customer()}"
    calls = (
        Call("shop.orders.confirm", (order, goods.customer(), goods.lines())),
        Call("shop.orders.charge_card", (order, goods.amount()), goods.card(order)),
        Call("shop.orders.ship", (order, goods.rng.choice(CARRIERS))),
        Call("shop.mail.send_receipt", (order,), {"to": to, "subject": subject}),
    )
    return Story(calls, "chain")


def basket(goods: Goods) -> Story:
    return Story((Call("shop.stock.reserve", (goods.sku(), goods.rng.randint(1, 4))),))


def suspicion(goods: Goods) -> Story:
    return Story((Call("shop.orders.check_fraud", (goods.order_id(), goods.ip())),))


def new_product(goods: Goods) -> Story:
    sku = goods.sku()
    pictures = (_thumbnail(sku, number, goods) for number in range(goods.rng.randint(3, 5)))
    return Story((*pictures, Call("shop.images.publish_gallery", (sku,))), "chord")


def new_pictures(goods: Goods) -> Story:
    sku = goods.sku()
    return Story(tuple(_thumbnail(sku, number, goods) for number in range(3)), "group")


def _thumbnail(sku: str, number: int, goods: Goods) -> Call:
    width = goods.rng.choice((160, 320, 640))
    return Call("shop.images.thumbnail", (f"products/{sku}/{number}.jpg", width, width))


def edited_product(goods: Goods) -> Story:
    return Story((Call("shop.search.reindex_product", (goods.sku(), goods.document())),))


def left_basket(goods: Goods) -> Story:
    """A reminder in a minute or two; half the customers come back before."""
    kwargs = {"email": goods.email()}
    wait = goods.rng.uniform(40, 120)
    back = wait / 2 if goods.rng.random() < 0.5 else None
    name = "shop.orders.remind_of_basket"
    return Story((Call(name, (goods.secret("b-"),), kwargs, countdown=wait, revoke_after=back),))


def flash_sale(goods: Goods) -> Story:
    """A letter that is worth nothing when it is late: it expires before its time has come."""
    kwargs = {"to": goods.email(), "subject": "20 % for 10 seconds"}
    call = Call("shop.mail.send_receipt", (goods.order_id(),), kwargs, countdown=15, expires=10)
    return Story((call,))


def newsletter(goods: Goods) -> Story:
    subject = goods.rng.choice(HOSTILE)
    args = (goods.email(), subject, f"<p>{subject}</p> " * goods.rng.choice((1, 60)))
    kwargs = {"smtp_password": goods.secret("pw-")}
    return Story((Call("shop.mail.send_newsletter", args, kwargs),))


def export(goods: Goods) -> Story:
    kwargs = {"api_token": goods.secret("tok_")}
    return Story((Call("shop.reports.export_customer", (goods.rng.randrange(4000),), kwargs),))


def sales_report(goods: Goods) -> Story:
    return Story((Call("shop.reports.daily_sales", ("yesterday",)),))


def partner_export(goods: Goods) -> Story:
    return Story((Call("shop.partners.export_catalog", (goods.rng.choice(CARRIERS),)),))


TELLERS: dict[Callable[[Goods], Story], float] = {
    basket: 30,
    purchase: 24,
    edited_product: 14,
    suspicion: 9,
    newsletter: 6,
    new_pictures: 4,
    new_product: 4,
    left_basket: 4,
    export: 2.5,
    flash_sale: 1,
    sales_report: 0.7,
    partner_export: 0.6,
}
