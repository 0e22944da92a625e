"""Customers of the running shop (``python -m example_project.demo.workload``): sends for ever.

It waits for no result, and it survives a broker that is away.
"""

from __future__ import annotations

import logging
import random
import time
from heapq import heappop, heappush

import django
from celery import Signature, chain, chord, group
from kombu.exceptions import OperationalError

from example_project.celery import app
from example_project.demo.goods import Goods
from example_project.demo.rhythm import LIVE_STORIES_PER_MINUTE, wave
from example_project.demo.stories import Call, Story, tell

logger = logging.getLogger(__name__)


class Workload:
    def __init__(self, rng: random.Random) -> None:
        self.goods = Goods(rng, orders=int(time.time()) % 10**6)
        # When to take back which task, as a heap.
        self.regrets: list[tuple[float, str]] = []

    def run(self) -> None:
        while True:
            now = time.time()
            try:
                self.send(tell(self.goods), now)
                self.revoke(now)
            except OperationalError as error:
                logger.warning("The broker is away: %s", error)
            pace = LIVE_STORIES_PER_MINUTE / 60 * wave(now)
            time.sleep(min(self.goods.rng.expovariate(pace), 10))

    def send(self, story: Story, now: float) -> None:
        signatures = [_signature(call) for call in story.calls]
        match story.shape:
            case "chain":
                # Immutable: the next task does not take the result of the one before.
                chain(*(signature.set(immutable=True) for signature in signatures)).apply_async()
            case "group":
                group(signatures).apply_async()
            case "chord":
                chord(signatures[:-1])(signatures[-1])
            case "single":
                result = signatures[0].apply_async()
                if story.calls[0].revoke_after is not None:
                    heappush(self.regrets, (now + story.calls[0].revoke_after, result.id))

    def revoke(self, now: float) -> None:
        while self.regrets and self.regrets[0][0] < now:
            app.control.revoke(heappop(self.regrets)[1])


def _signature(call: Call) -> Signature:
    times = {"countdown": call.countdown, "expires": call.expires}
    return app.signature(call.name, args=call.args, kwargs=call.kwargs, **times)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    django.setup()
    app.loader.import_default_modules()
    Workload(random.Random()).run()
