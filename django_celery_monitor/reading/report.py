"""A task as Markdown, to paste into an issue tracker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.arguments import Arguments
from django_celery_monitor.reading.attempts import Attempt
from django_celery_monitor.reading.words import KNOWN_BY, duration

_TICKS: Final = re.compile(r"`+")
_BREAKS: Final = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
# An issue wants the end of a long text, where the error is.
LONGEST: Final = 8000


def report(task: Task, url: str, records: Sequence[Attempt], called: Arguments | None) -> str:
    """``called`` is ``None`` for who may not see payload; the records then hold none either."""
    failed = next((each for each in records if each.error), None)
    title = task.name or task.id
    if failed and failed.error:
        title = f"{title}: {failed.error.type}"
    lines = [f"### {_inline(title)}", "", *_facts(task, url)]
    if called and called.code:
        text = "".join(piece.text for piece in called.code)
        lines += ["", f"**{_('Arguments')}** ({called.source})", "", *_block(text, "python")]
    if called and task.result:
        lines += ["", f"**{_('Result')}**", "", *_block(task.result, "python")]
    for record in records:
        if called and record is failed and record.error:
            heading = _("Error of attempt %(n)s of %(all)s") % {
                "n": record.number,
                "all": len(records),
            }
            text = record.error.traceback or record.error.message
            lines += ["", f"**{heading}**", "", *_block(text, "pytb")]
    if len(records) > 1:
        lines += ["", f"**{_('Attempts')}**", "", *map(_attempt, reversed(records))]
    return "\n".join(lines) + "\n"


def _facts(task: Task, url: str) -> Iterator[str]:
    known_by = str(KNOWN_BY.get(task.known_by, task.known_by))
    facts = (
        (_("Task"), _inline(task.name or "?")),
        (_("Id"), _inline(task.id)),
        (
            _("State"),
            _("%(state)s, known by %(source)s")
            % {"state": _inline(task.state), "source": known_by},
        ),
        (_("Worker"), _inline(task.worker)),
        (_("Queue"), _inline(task.queue)),
        (_("Sent"), _utc(task.sent_at)),
        (_("Started"), _utc(task.started_at)),
        (_("Finished"), _utc(task.finished_at)),
        (_("Wait"), duration(task.wait) if task.wait is not None else ""),
        (_("Run"), duration(task.duration) if task.duration is not None else ""),
        (_("Retries"), str(task.retries)),
        (_("Link"), url),
    )
    for name, value in facts:
        if value:
            yield f"- {name}: {value}"


def _attempt(record: Attempt) -> str:
    run = record.passage.run
    outcome = run.outcome or _("open")
    parts = [outcome, record.error.type if record.error else "", run.worker]
    took = duration(run.runtime) if run.runtime is not None else ""
    shown = [_inline(part) for part in parts if part]
    return f"{record.number}. {', '.join([*shown, took] if took else shown)}"


def _inline(text: str) -> str:
    """As code, whatever it holds."""
    if not text:
        return ""
    text = _BREAKS.sub(" ", text)
    ticks = _fence(text, 1)
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _block(text: str, language: str) -> list[str]:
    if len(text) > LONGEST:
        text = f"…{text[-LONGEST:]}"
    fence = _fence(text, 3)
    return [f"{fence}{language}", text.rstrip("\n"), fence]


def _fence(text: str, least: int) -> str:
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def _utc(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if time else ""
