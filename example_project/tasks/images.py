"""Pictures of products."""

from __future__ import annotations

import os
import signal

from celery import shared_task

from example_project.tasks.pretend import chance, work


@shared_task(name="shop.images.thumbnail")
def thumbnail(path: str, width: int, height: int) -> str:
    work(0.6)
    if chance(0.004):
        # As the kernel does when memory is short: the worker loses this child.
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{path}@{width}x{height}.webp"


@shared_task(name="shop.images.publish_gallery")
def publish_gallery(pictures: list[str], product: str) -> dict[str, object]:
    """Runs when all pictures of a product are there (the body of a chord)."""
    work(0.1)
    return {"product": product, "pictures": pictures}
