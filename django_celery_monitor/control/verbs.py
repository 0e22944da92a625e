"""Acts that can be done to many tasks as one operation."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import UnknownActError
from django_celery_monitor.filters import And, Or, Term
from django_celery_monitor.models import OperationItem
from django_celery_monitor.state.states import GROUP_OF, GROUPS, group


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """``groups``: of the states of tasks that it can be done to.

    ``most``: tasks in one batch; they are sent together where ``together``, else one by one.
    """

    act: Act
    groups: frozenset[str]
    most: int = 500
    together: bool = True

    @property
    def again(self) -> tuple[str, ...]:
        """Items worth another try: to tell workers a thing twice does no harm."""
        status = OperationItem.Status
        return (status.FAILED, status.UNCLEAR) if self.together else (status.FAILED,)

    def fits(self, state: str) -> bool:
        return group(state) in self.groups

    def parameters(self, items: Sequence[OperationItem], given: dict[str, Any]) -> dict[str, Any]:
        if self.together:
            return {**given, "ids": [item.task_id for item in items]}
        return {**given, "id": items[0].task_id, "new_id": items[0].new_id}

    def new_id(self, operation: uuid.UUID, task_id: str) -> str:
        """The same however often it is asked for; empty where nothing new is sent."""
        return "" if self.together else str(uuid.uuid5(operation, task_id))

    def makes_sense(self, expression: And) -> bool:
        """Whether a filter may find tasks that it can be done to."""
        return all(_may_be(part, self.groups) for part in expression.parts)


# Parameters that each task has its own of.
PER_TASK: Final = frozenset({"ids", "id", "new_id"})
_GROUPS: Final = {
    "revoke": ("waiting", "retrying"),
    "terminate": ("running",),
    "retry": ("failed", "revoked", "lost", "succeeded"),
}
VERBS: Final = {
    name: Verb(
        act=ACTS[name],
        groups=frozenset(groups),
        together=name != "retry",
        # What is being sent when a collector dies is unclear, and had better be little.
        most=50 if name == "retry" else 500,
    )
    for name, groups in _GROUPS.items()
    if name in ACTS
}


def verb_of(name: str) -> Verb:
    """Raises ``UnknownActError``."""
    found = VERBS.get(name)
    if found is None:
        raise UnknownActError(_("No operation can do %(name)s.") % {"name": name})
    return found


def _may_be(part: object, groups: Iterable[str]) -> bool:
    """False only where a part asks for states, and for none of these groups."""
    asked = part.parts if isinstance(part, Or) else (part,)
    for term in asked:
        if not isinstance(term, Term) or term.field != "state":
            return True
        known = term.value if term.value in GROUPS else GROUP_OF.get(term.value.upper(), "running")
        if known in groups:
            return True
    return False
