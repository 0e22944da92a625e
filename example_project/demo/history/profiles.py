"""How each task of the shop usually goes, and what else may become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from example_project.demo.history import tracebacks as errors
from example_project.demo.history.tracebacks import Error

End = Literal[
    "succeeded", "failed", "rejected", "revoked", "expired", "terminated", "taken", "started"
]


@dataclass(frozen=True, slots=True)
class Fate:
    """``retries`` attempts meet ``error`` and are repeated, the last attempt comes to ``end``.

    ``taken`` and ``started`` are ends too: the worker died, and nothing more was heard.
    """

    end: End = "succeeded"
    error: Error | None = None
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    queue: str
    # Median seconds, and the standard deviation of their logarithm.
    runtime: float
    spread: float = 0.4
    # A format string for the call's positional arguments.
    result: str = "None"
    fates: tuple[tuple[float, Fate], ...] = ()


BATCH_QUEUES = ("images", "search", "reports")
NOBODY_READS = "partners"

PROFILES = {
    "shop.orders.confirm": Profile("default", 0.03, result="{{'order': {0}, 'items': 2}}"),
    "shop.orders.charge_card": Profile(
        "payments",
        0.35,
        result="{{'order': '{0}', 'paid': '{1} EUR'}}",
        fates=(
            (0.05, Fate("failed", errors.DECLINED)),
            (0.05, Fate("succeeded", errors.GATEWAY, retries=1)),
            (0.01, Fate("succeeded", errors.GATEWAY, retries=2)),
            (0.012, Fate("failed", errors.GATEWAY, retries=3)),
        ),
    ),
    "shop.orders.ship": Profile(
        "default", 0.25, result="'DHL-{0:010d}'", fates=((0.015, Fate("failed", errors.TWICE)),)
    ),
    "shop.orders.check_fraud": Profile(
        "default",
        0.08,
        result="0.17",
        fates=(
            (0.002, Fate("started")),
            (0.01, Fate("rejected")),
            (0.002, Fate("taken")),
        ),
    ),
    "shop.orders.remind_of_basket": Profile("default", 0.02, result="True"),
    "shop.mail.send_receipt": Profile(
        "mail",
        0.05,
        result="'250 2.0.0 Ok: queued as {0:08X}'",
        fates=((0.04, Fate("succeeded", errors.SMTP, retries=1)),),
    ),
    "shop.mail.send_newsletter": Profile(
        "mail", 0.03, result="41", fates=((0.03, Fate("failed", errors.HEADER)),)
    ),
    "shop.stock.reserve": Profile(
        "default", 0.001, result="{1}", fates=((0.01, Fate("failed", errors.UNKNOWN_SKU)),)
    ),
    "shop.images.thumbnail": Profile(
        "images",
        0.6,
        result="'{0}@{1}x{2}.webp'",
        fates=((0.004, Fate("failed", errors.WORKER_LOST)), (0.003, Fate("started"))),
    ),
    "shop.images.publish_gallery": Profile("images", 0.1, result="{{'product': '{0}'}}"),
    "shop.search.reindex_product": Profile("search", 0.15, result="4711"),
    "shop.reports.daily_sales": Profile(
        "reports",
        60,
        0.5,
        result="'sales-{0}.pdf'",
        fates=((0.02, Fate("started")), (0.06, Fate("terminated"))),
    ),
    "shop.reports.export_customer": Profile(
        "reports",
        2,
        result="'customer-{0}.zip'",
        fates=(
            (0.04, Fate("failed", errors.SOFT_LIMIT)),
            (0.04, Fate("failed", errors.HARD_LIMIT)),
        ),
    ),
    "shop.partners.export_catalog": Profile(NOBODY_READS, 0),
}
