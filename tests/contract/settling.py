"""Workers that answer as real ones do, and a settler that is led by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from celery.app.control import Control
from kombu.pidbox import Mailbox

from django_celery_monitor.pipeline import Pipeline
from django_celery_monitor.upkeep.conclusions import Conclusion
from django_celery_monitor.upkeep.settler import Pace, Settler
from tests.project.celery import app as project_app
from tests.streams import WORKER
from tests.waiting import wait_until

PACE = Pace(timeout=0.1)


@dataclass
class Answering:
    """A worker, and where it says that it has a task. Its process began long ago."""

    hostname: str = WORKER
    active: list[str] = field(default_factory=list)
    reserved: list[str] = field(default_factory=list)
    scheduled: list[str] = field(default_factory=list)
    # In no list.
    ready: list[str] = field(default_factory=list)
    pid: int = 100
    uptime: float = 1e9

    def reply(self, command: str, arguments: dict[str, Any]) -> Any:
        if command == "query_task":
            # Before Celery 5.7 it does not find what is scheduled.
            found = {*self.active, *self.reserved, *self.ready} & set(arguments["ids"])
            return {task_id: ["active", {"id": task_id}] for task_id in found}
        if command == "stats":
            return {"pid": self.pid, "uptime": self.uptime}
        listed = [{"id": task_id} for task_id in getattr(self, command)]
        return (
            [{"eta": "", "request": each} for each in listed] if command == "scheduled" else listed
        )


def app_with(*workers: Answering, backend: str = "cache+memory://") -> tuple[Celery, list[str]]:
    """An app whose workers are these, and the commands they were sent so far."""
    sent: list[str] = []

    class Answered(Mailbox):
        @property
        def exchange_name(self) -> str:
            exchange: Any = self.reply_exchange
            return str(exchange.name)

        def _publish(  # type: ignore[override]
            self,
            type: str,
            arguments: Any,
            destination: Any = None,
            reply_ticket: str = "",
            **options: Any,
        ) -> None:
            sent.append(type)
            for worker in workers:
                if not destination or worker.hostname in destination:
                    reply = {worker.hostname: worker.reply(type, arguments or {})}
                    self._publish_reply(
                        reply, self.exchange_name, self.oid, reply_ticket, options["channel"]
                    )

    class Workers(Control):
        Mailbox = Answered

    app = Celery(
        "asked", broker="memory://", backend=backend, control=Workers, set_as_current=False
    )
    app.conf.result_expires = None
    return app, sent


def settler(app: Celery, alias: str, pace: Pace = PACE) -> Settler:
    def settle(conclusions: Sequence[Conclusion]) -> None:
        Pipeline(project_app).settle(conclusions)

    return Settler(app, alias, settle, pace)


def look(one: Settler, at: float, listened: float = 1000.0) -> None:
    """A whole look, ``at`` seconds by the settler's clock."""
    one.turn(at, listened)
    while one._asking:
        wait_until(one._asking.done)
        one.turn(at, listened)
