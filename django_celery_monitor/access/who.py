"""Why somebody may not, and who may, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import LOOKING, User, get_policy, is_read_only

# More than so many names tell nobody whom to ask.
_FEW = 5
_KEPT = "_celery_monitor_groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """``reason``: why it is not ``allowed``, and who may."""

    allowed: bool
    reason: str = ""


def right_to(user: User, act: str, obj: object = None) -> Right:
    """To show a control, or to show it greyed; asks the database only in the second case."""
    if get_policy().can(user, act, obj):
        return Right(allowed=True)
    if is_read_only() and act not in LOOKING:
        return Right(allowed=False, reason=read_only_reason())
    return Right(allowed=False, reason=_who(_groups(user).get(act, [])))


def why_not(act: str) -> str:
    """What to tell who was refused."""
    if is_read_only() and act not in LOOKING:
        return read_only_reason()
    return _(
        "Your account lacks the right to this. Somebody who manages users can grant it: the "
        "permission is called %(codename)s."
    ) % {"codename": f"django_celery_monitor.{act}"}


def read_only_reason() -> str:
    return _("This monitor is set to read-only: nobody can change anything here.")


def _groups(user: User) -> dict[str, list[str]]:
    """Some names of groups by right; asked once for each request, with its user."""
    known: dict[str, list[str]] | None = getattr(user, _KEPT, None)
    if known is None:
        known = {}
        pairs = Group.objects.filter(permissions__content_type__app_label="django_celery_monitor")
        for act, name in pairs.order_by("name").values_list("permissions__codename", "name"):
            if len(names := known.setdefault(act, [])) <= _FEW:
                names.append(name)
        setattr(user, _KEPT, known)
    return known


def _who(names: list[str]) -> str:
    if not names:
        return _("No group has the right to this; superusers do.")
    if len(names) > _FEW:
        names = [*names[:_FEW], _("others")]
    return _("Who may: %(groups)s.") % {"groups": get_text_list(names, _("and"))}
