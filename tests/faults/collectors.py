"""Real collectors on one broker and database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import redis

from tests.fixtures.processes import Process, StartProcess
from tests.waiting import wait_until

_LISTENING = re.compile("Listening to")


class Collectors:
    """``env`` is that of the processes."""

    def __init__(self, start: StartProcess, env: Mapping[str, str]) -> None:
        self._start, self._env = start, env
        self.processes: list[Process] = []

    def begin(
        self,
        *options: str,
        crashes: Iterable[str] = (),
        constants: Mapping[str, Any] | None = None,
    ) -> Process:
        """The command, once it listens; see ``tests.faults.command`` for the keywords."""
        process = self.launch(*options, crashes=crashes, constants=constants)
        self.wait_until_listening(process)
        return process

    def launch(
        self,
        *options: str,
        crashes: Iterable[str] = (),
        constants: Mapping[str, Any] | None = None,
    ) -> Process:
        faults = {
            "FAULTS_CRASHES": " ".join(crashes),
            "FAULTS_CONSTANTS": json.dumps(constants or {}),
        }
        command = ["-m", "tests.faults.command"] if any((crashes, constants)) else COMMAND
        process = self._start(*command, *options, env={**self._env, **faults})
        self.processes.append(process)
        return process

    def wait_until_listening(self, process: Process, times: int = 1) -> None:
        """Until it subscribed for the ``times``-th time."""
        wait_until(lambda: _subscriptions(process) >= times or not _lives(process), timeout=120)
        assert _lives(process), process.output()
        self.wait_until_subscribed(1)

    def wait_until_subscribed(self, number: int) -> None:
        """On Redis they say so a moment before it is so."""
        url = self._env["TEST_BROKER_URL"]
        if url.startswith("redis:"):
            wait_until(lambda: subscribers(url) >= number)

    def alive(self) -> bool:
        """Whether any is."""
        return any(map(_lives, self.processes))


COMMAND = ["-m", "django", "celerymonitor"]


def subscribers(redis_url: str) -> int:
    """How many connections to this one database listen to channels."""
    with redis.Redis.from_url(redis_url) as client:
        number = client.connection_pool.connection_kwargs["db"]
        return sum(
            int(each["db"]) == number and bool(int(each["psub"]) + int(each["sub"]))
            for each in client.client_list()
        )


def _subscriptions(process: Process) -> int:
    return len(_LISTENING.findall(process.output()))


def _lives(process: Process) -> bool:
    return process.child.poll() is None
