"""What the result backend and the workers say of tasks; asked in a thread: it may take long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from django_celery_monitor.control.asking import NOBODY, Process, ask_workers
from django_celery_monitor.control.results import BackendAwayError, KnownResult, Results
from django_celery_monitor.state.states import REVOKED, group
from django_celery_monitor.upkeep.open_rows import TOLERANCE, OpenTask

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")


class Questions(NamedTuple):
    # Running in a worker that is gone: only the backend is asked.
    lost: Sequence[OpenTask]
    open: Sequence[OpenTask]
    # Ids of those whose worker did not have them when it was asked before.
    suspects: frozenset[str]


class Answers(NamedTuple):
    questions: Questions
    # Epoch seconds, when workers were asked.
    time: float
    ended: dict[str, KnownResult]
    # Running tasks whose worker answered, and that no worker has.
    nowhere: frozenset[str]
    # Of the workers of suspects.
    processes: dict[str, Process]
    # Why nothing can be concluded; ``None`` when the backend answered.
    away: str | None


class Inquirer:
    """One inquiry at a time."""

    def __init__(self, app: Celery, timeout: float) -> None:
        self._app = app
        self._timeout = timeout
        self._results = Results(app)

    def begin(self, questions: Questions) -> Future[Answers]:
        future: Future[Answers] = Future()
        # A daemon: a backend that hangs must not keep the collector from ending.
        thread = threading.Thread(
            target=self._run, args=(questions, future), name="inquiry", daemon=True
        )
        thread.start()
        return future

    def _run(self, questions: Questions, future: Future[Answers]) -> None:
        try:
            answers = self._answers(questions)
        except BackendAwayError as error:
            answers = _nothing(questions, str(error) or repr(error.__cause__))
        # A backend or a transport may be any package's; the collector goes on without answers.
        except Exception as error:
            logger.exception("Could not ask how tasks ended", extra={"action": "inquiry_failed"})
            answers = _nothing(questions, repr(error))
        self._results.close()
        future.set_result(answers)

    def _answers(self, questions: Questions) -> Answers:
        ended = self._ended([*questions.lost, *questions.open])
        running = [row for row in questions.open if _may_be_running(row, ended.get(row.id))]
        asked_at = time.time()
        asked = NOBODY
        if running:
            suspected = {row.worker for row in running if row.id in questions.suspects}
            ids = [row.id for row in running]
            asked = ask_workers(self._app, ids, sorted(suspected), self._timeout)
        nowhere = frozenset(
            row.id for row in running if row.worker in asked.answered and row.id not in asked.known
        )
        return Answers(questions, asked_at, ended, nowhere, asked.processes, None)

    def _ended(self, rows: list[OpenTask]) -> dict[str, KnownResult]:
        found = ((row, self._results.ended(row.id)) for row in rows)
        return {row.id: known for row, known in found if known and _is_of(row, known)}


def _nothing(questions: Questions, away: str) -> Answers:
    return Answers(questions, time.time(), {}, frozenset(), {}, away)


def _is_of(row: OpenTask, known: KnownResult) -> bool:
    """Whether it is not the result of an earlier delivery."""
    return not row.worker or not known.time or known.time + TOLERANCE >= row.updated_at


def _may_be_running(row: OpenTask, known: KnownResult | None) -> bool:
    """Workers write REVOKED when they are told so, also of what goes on running."""
    return group(row.state) == "running" and (known is None or known.state == REVOKED)
