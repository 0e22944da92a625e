"""Starts processes, keeps them running, kills one now and then, and stops them all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from example_project.demo.child import Child
from example_project.demo.guard import Guard
from example_project.demo.plan import COLLECTOR, OWN_SERVER, Service

logger = logging.getLogger(__name__)

TURN = 0.1
# Until a process is killed that was asked to end.
GRACE = 8.0
# Long enough for the monitor to miss a killed worker.
AWAY = 40.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0


class StopError(Exception):
    """Somebody asked the demo to end."""


class StartError(Exception):
    """A process ended, or did not answer, while the demo was starting."""


class Supervisor:
    def __init__(self, environment: dict[str, str], logs: Path) -> None:
        self.environment, self.logs = environment, logs
        self.guard = Guard()
        self.children: list[Child] = []
        # Child to the time of its restart, and how long it stays away when it ends by itself.
        self.away: dict[Child, float] = {}
        self.pause: dict[Child, float] = {}
        # How often somebody has asked to stop; from the second time on there is no patience.
        self.asked = 0

    def start(self, service: Service) -> Child:
        child = Child(service, self.environment, self.guard, self.logs)
        self.children.append(child)
        return child

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Until ``condition``; meanwhile no child may end, and Ctrl-C is heard."""
        deadline = time.monotonic() + seconds
        while not condition():
            for child in self.children:
                if child.ended():
                    raise StartError(child.epitaph())
            if time.monotonic() > deadline:
                raise StartError(f"The {what} did not answer within {seconds:.0f} s.")
            self.turn()

    def turn(self) -> None:
        if self.asked:
            raise StopError
        time.sleep(TURN)

    def run(self, killed: str, kill_every: float) -> None:
        """Restart what ends, and kill one child every so often (0: never), until told to stop."""
        next_kill = time.monotonic() + kill_every / 2
        while True:
            self.turn()
            now = time.monotonic()
            if kill_every and now > next_kill:
                next_kill = now + kill_every
                self._kill(killed)
            for child in self.children:
                self._revive(child, now)

    def _kill(self, name: str) -> None:
        for child in self.children:
            if child.service.name == name and not child.ended():
                logger.info("Killing %s; it comes back in %.0f s.", name, AWAY)
                child.kill()
                self.away[child] = time.monotonic() + AWAY

    def _revive(self, child: Child, now: float) -> None:
        if not child.ended():
            return
        if child not in self.away:
            pause = self.pause.get(child, FIRST_PAUSE)
            logger.warning("%sIt starts again in %.0f s.", child.epitaph(), pause)
            # What it has left behind would keep its ports and queues.
            child.kill()
            self.away[child] = now + pause
            self.pause[child] = min(pause * 2, LONGEST_PAUSE)
        elif now > self.away[child]:
            del self.away[child]
            child.start()

    def stop(self) -> None:
        """Everything speaks through the broker, and the collector stores the workers' good-bye."""
        late = (COLLECTOR, OWN_SERVER)
        self._end([child for child in self.children if child.service.name not in late])
        for name in late:
            self._end([child for child in self.children if child.service.name == name])
        self.guard.leave()

    def _end(self, children: list[Child]) -> None:
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE
        while self.asked < 2 and time.monotonic() < deadline:
            if all(child.ended() for child in children):
                break
            time.sleep(TURN)
        for child in children:
            child.kill()
