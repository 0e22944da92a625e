"""Names and texts such as a shop's tasks have, as workers put them on the wire."""

from __future__ import annotations

import random
from itertools import cycle, islice, product
from typing import Any

from celery.utils.saferepr import saferepr

_PLACES = ("orders", "payments", "stock", "mail", "search", "images", "partners", "reports")
_DEEDS = ("place", "update", "check", "send", "expire")
_CITIES = ("København", "Lisboa", "名古屋", "Köln", "Wrocław", "Nantes")
_ERRORS = ("TimeoutError('partner did not answer')", "KeyError('sku')", "ValueError('no price')")
_TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/lib/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/lib/celery/app/trace.py", line 736, in __protected_call__
    return self.run(*args, **kwargs)
  File "/srv/shop/{place}/tasks.py", line {line}, in {deed}
    price = partner.price(item["sku"], currency=currency, timeout=timeout)
  File "/srv/shop/partners/client.py", line 88, in price
    return self._get(f"/prices/{{sku}}", params)["price"]
{error}
"""
# Celery cuts arguments and results there.
_MAX_TEXT = 1024


def task_names(count: int) -> list[str]:
    """So many different names."""
    names = [f"shop.{place}.tasks.{deed}" for deed, place in product(_DEEDS, _PLACES)]
    numbered = (f"{name}_{number}" for number in range(count) for name in names)
    return [*names, *islice(numbered, max(count - len(names), 0))][:count]


class Texts:
    """Texts in pools, so that generating costs little; every task still has its own numbers."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._notes = cycle([_note(rng, number) for number in range(101)])

    def arguments(self, number: int) -> dict[str, str]:
        """The texts of one task's arguments; one task in twenty is called with a secret."""
        where = self._rng.choice(_CITIES)
        args = (184_000 + number, next(self._notes), where)
        kwargs: dict[str, Any] = {"currency": "EUR", "items": number % 17, "tenant": "shop-eu-1"}
        if number % 20 == 0:
            kwargs["api_token"] = f"{self._rng.getrandbits(128):032x}"
        return {"args": saferepr(args, _MAX_TEXT), "kwargs": saferepr(kwargs, _MAX_TEXT)}

    def result(self, number: int) -> str:
        if number % 3 == 0:
            return "None"
        return saferepr({"ok": True, "order": 184_000 + number, "rows": number % 97}, _MAX_TEXT)

    def error(self, name: str) -> dict[str, str]:
        error = self._rng.choice(_ERRORS)
        place, _tasks, deed = name.split(".")[1:]
        text = _TRACEBACK.format(
            place=place, deed=deed, line=20 + len(name), error=error.replace("(", ": ")[:-1]
        )
        return {"exception": error, "traceback": text}


def _note(rng: random.Random, number: int) -> str:
    """Mostly short; one in ten is long."""
    words = ("gift", "urgent", "größer", "call before", "2nd floor", "leave at the door", "blue")
    return " ".join(rng.choices(words, k=60 if number % 10 == 0 else rng.randint(2, 8)))
