"""What one node of a family's graph says: a task, or many of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from django_celery_monitor.models import Task
from django_celery_monitor.reading.heat import heat, roughly
from django_celery_monitor.reading.words import GROUPS, STATES, duration
from django_celery_monitor.state.states import IGNORED, group

_LABEL: Final = 26
# What a reader looks for first.
_WORST: Final = ("failed", "lost", "retrying", "running", "waiting", "revoked", "succeeded")


class Bundle(NamedTuple):
    """What makes tasks members of one node: a group, or the same caller and name."""

    kind: str
    key: str
    name: str

    @property
    def inferred(self) -> bool:
        return self.kind != "group"


def one(task: Task, url: str, wait: timedelta | None, *, here: bool) -> dict[str, Any]:
    """``wait``: how long it waited for a worker, which the lines to it show."""
    name = task.name or task.id
    state = str(STATES.get(task.state, task.state))
    took = duration(task.duration) if task.duration is not None else ""
    return {
        "label": shortened(name),
        "detail": f"{state} · {took}" if took else state,
        "title": _("%(name)s, %(state)s") % {"name": name, "state": state},
        "name": name,
        "kind": "ignored" if task.state == IGNORED else group(task.state),
        "id": task.id,
        "url": url,
        "here": here,
        **_heat(wait, _("wait %(wait)s")),
    }


def _heat(wait: timedelta | None, text: str) -> dict[str, Any]:
    step = heat(wait)
    return {"heat": step, "wait": text % {"wait": roughly(wait)}} if wait and step else {}


def many(
    bundle: Bundle,
    members: list[Task],
    url: str,
    step: int,
    wait: timedelta | None,
    *,
    cut: bool,
) -> dict[str, Any]:
    """A tile; ``url`` is the page with ``step`` more of them drawn one by one.

    ``wait``: the longest of theirs. ``cut``: there may be others that nobody looked at.
    """
    done = sum(member.finished_at is not None for member in members)
    counts = by_state(members)
    names = {"done": done, "all": f"{len(members)}{'+' if cut else ''}", "name": bundle.name}
    detail = _("%(done)s / %(all)s done") % names
    if bundle.inferred:
        detail = _("%(counted)s, inferred") % {"counted": detail}
    said = ", ".join(f"{each['label']} {each['count']}" for each in counts)
    troubled = counts[0]["kind"] in _WORST[:3]
    return {
        "label": shortened(bundle.name),
        "detail": detail,
        "title": f"{_('%(name)s: %(done)s of %(all)s done') % names}. {said}",
        "name": bundle.name,
        "kind": counts[0]["kind"] if troubled else _most(counts),
        "url": url,
        "here": False,
        "many": True,
        "inferred": bundle.inferred,
        "counts": counts,
        "more": f"+{min(step, len(members))}",
        **_heat(wait, _("up to %(wait)s")),
    }


def by_state(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """How many there are in each group of states; troubles first; ``from``: those before."""
    found = Counter(group(task.state) for task in tasks)
    kinds = [kind for kind in _WORST if found[kind]]
    return [
        {
            "kind": kind,
            "label": str(GROUPS[kind]),
            "count": found[kind],
            "from": sum(found[before] for before in kinds[:place]),
        }
        for place, kind in enumerate(kinds)
    ]


def _most(counts: list[dict[str, Any]]) -> str:
    return str(max(counts, key=lambda each: each["count"])["kind"])


def shortened(name: str) -> str:
    """The end of a name tells more than its packages."""
    return name if len(name) <= _LABEL else f"…{name[1 - _LABEL :]}"
