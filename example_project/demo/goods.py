"""Customers, products and what they say: seeded, so that the same shop comes out every time."""

from __future__ import annotations

import random
from typing import Any

CUSTOMERS = (
    "Zoë Ångström",
    "山田 花子",
    "Łukasz Żółkiewski",
    "مريم الحسن",
    "Αλέξης Παππάς",
    "Nguyễn Thị Hương",
    "O'Brien-Smith, Jr.",
    "दीपिका शर्मा",
    "👩🏽‍🚀 Mae",
)
PRODUCTS = (
    "Chaise longue “Été”",
    "茶碗 – tea bowl",
    "Smörgåsbord-Set 12-teilig",
    "Kávéfőző",
    "Desk lamp <LED> & dimmer",
    'Monitor 27" – 144 Hz',
)
# A monitor shows what strangers typed: none of it may ever act.
HOSTILE = (
    "<script>alert('shop')</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></pre><h1>50 % off</h1>",
    "{{ 7 * 7 }} {% include 'settings.py' %}",
    "javascript:alert(document.cookie)",
    "\u202egnp.tnemyap\u202c",
    "'; DROP TABLE orders; --",
    "new\nline\ttab \x1b[31mred\x1b[0m",
)
CARDS = ("4242424242424242", "5555555555554444", "378282246310005")
CARRIERS = ("dhl", "ups", "post", "gls")


class Goods:
    def __init__(self, rng: random.Random, orders: int = 20_000) -> None:
        self.rng = rng
        # Numbers of new orders count on from here.
        self.orders = orders

    def order_id(self) -> int:
        self.orders += 1
        return self.orders

    def customer(self) -> str:
        return self.rng.choice(CUSTOMERS)

    def email(self) -> str:
        return f"customer{self.rng.randrange(4000)}@example.com"

    def sku(self) -> str:
        return f"CH-{self.rng.randrange(1000, 4000)}-{self.rng.choice(('BL', 'RD', 'GN'))}"

    def ip(self) -> str:
        return f"198.51.100.{self.rng.randrange(256)}"

    def secret(self, prefix: str) -> str:
        return f"{prefix}{self.rng.getrandbits(96):024x}"

    def card(self, order_id: int) -> dict[str, Any]:
        return {
            "currency": self.rng.choice(("EUR", "EUR", "GBP", "USD")),
            "card_number": self.rng.choice(CARDS),
            "cvv": f"{order_id % 1000:03d}",
        }

    def amount(self) -> str:
        return f"{self.rng.lognormvariate(3.6, 0.7):.2f}"

    def lines(self) -> list[dict[str, Any]]:
        return [
            {"sku": self.sku(), "name": self.rng.choice(PRODUCTS), "quantity": quantity}
            for quantity in range(1, self.rng.randint(2, 5))
        ]

    def document(self) -> dict[str, Any]:
        """Some kilobytes of text in many scripts; now and then a hundred."""
        words = [self.rng.choice(PRODUCTS + CUSTOMERS) for _ in range(self.rng.choice((40, 300)))]
        if self.rng.random() < 0.02:
            words *= 20
        return {"title": words[0], "text": " ".join(words), "tags": words[:8]}
