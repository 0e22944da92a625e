"""Sending any task, new or as a changed re-run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import SEND_TASK
from django_celery_monitor.celery_app import find_app, load_tasks
from django_celery_monitor.control import drafts
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Aim, Target, Values
from django_celery_monitor.control.acts.json_parameters import JsonList, JsonObject, Moment
from django_celery_monitor.control.acts.parameters import Flag, Name, Parameter, Seconds, Whole
from django_celery_monitor.control.acts.retry import NEW_ID, Sending
from django_celery_monitor.control.cautions import cautions
from django_celery_monitor.control.errors import BadParametersError
from django_celery_monitor.control.message import Message
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.control.sending_tasks import Plan, check, find_whole
from django_celery_monitor.control.signatures import mismatch
from django_celery_monitor.control.whole import Reason
from django_celery_monitor.models import ControlTarget, Task
from django_celery_monitor.recorder.writer import CELERYS

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.access.policy import User
    from django_celery_monitor.ingest.redact import Redactor

_OPTIONS: Final = ("queue", "priority", "headers", "time_limit", "soft_time_limit", "expires")


def _seconds(name: str, text: Any) -> Seconds:
    return Seconds(name=name, help=text, required=False)


class Send(Sending):
    name = "send"
    codename = SEND_TASK
    label = gettext_lazy("Send")
    help = gettext_lazy("Sends a new task, with any arguments.")
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Name(name="task", help=gettext_lazy("Name of the task type.")),
        JsonList(name="args", help=gettext_lazy("Positional arguments, as a JSON list.")),
        JsonObject(name="kwargs", help=gettext_lazy("Arguments by name, as a JSON object.")),
        Name(
            name="queue",
            help=gettext_lazy("By default where the app routes such tasks."),
            required=False,
        ),
        Moment(name="eta", help=gettext_lazy("Not before this time.")),
        _seconds("countdown", gettext_lazy("Not before so many seconds.")),
        Moment(name="expires", help=gettext_lazy("Thrown away when it has not started by then.")),
        Whole(name="priority", help=gettext_lazy("0 to 255."), required=False, most=255),
        _seconds("time_limit", gettext_lazy("Seconds after which it is killed.")),
        _seconds("soft_time_limit", gettext_lazy("Seconds after which it is told to end.")),
        JsonObject(name="headers", help=gettext_lazy("Headers of the message.")),
        Name(
            name="rerun_of",
            help=gettext_lazy("Id of a task whose values hold for all that is not given here."),
            required=False,
        ),
        NEW_ID,
        Flag(name="confirm", help=gettext_lazy("Also where a retry would have to be confirmed.")),
    )

    def problems(self, values: Values) -> dict[str, str]:
        found = {}
        if values["eta"] and values["countdown"]:
            found["countdown"] = _("cannot be given together with eta")
        own = sorted(CELERYS.intersection(values["headers"] or ()))
        if own:
            found["headers"] = _("%(names)s are Celery's own") % {"names": ", ".join(own)}
        return found

    def masked(self, values: Values, redactor: Redactor) -> Values:
        made = {name: values[name].isoformat() for name in ("eta", "expires") if values[name]}
        return made | drafts.recorded(redactor, values["task"], values)

    def aim(self, user: User | None, values: Values) -> Aim:
        plan, targets = self.planned(user, values)
        origin = Task.objects.filter(pk=plan.origin_id).first() if plan.origin_id else None
        if origin and not values["confirm"] and (found := cautions(find_app(), origin)):
            raise BadParametersError({"confirm": " ".join(each.text for each in found)})
        return self.aimed(plan, *targets)

    def planned(self, user: User | None, values: Values) -> tuple[Plan, list[Target]]:
        """What would be sent; raises a ``ControlError`` where nothing can be."""
        app = find_app()
        load_tasks(app)
        targets = [aiming.at_type(user, values["task"])]
        if values["queue"]:
            aiming.at_queue(user, values["queue"])
        origin = None
        if values["rerun_of"]:
            aiming.at_tasks(user, self.codename, [values["rerun_of"]], unseen=False)
            origin = Task.objects.get(pk=values["rerun_of"])
            targets.append(Target(ControlTarget.Kind.TASK, origin.id))
        message, changed = draft(app, values, origin)
        if problem := mismatch(app, message.name, message.args, message.kwargs):
            raise BadParametersError({"args": problem})
        check(app, message)
        origin_id = origin.id if origin else ""
        plan = Plan(message=message, new_id=values["new_id"], origin_id=origin_id, changed=changed)
        return plan, targets


def draft(app: Celery, values: Values, origin: Task | None) -> tuple[Message, bool]:
    """The message, and whether it differs from its origin's; raises ``BadParametersError``."""
    base = _base(app, values, origin)
    own = {name: values[name] for name in _OPTIONS if values[name] is not None}
    eta = values["eta"]
    if values["countdown"]:
        eta = timezone.now() + timedelta(seconds=values["countdown"])
    if eta:
        own["eta"] = eta
    known = base or Message(name=values["task"], as_type=True)
    if own.get("queue", known.queue) != known.queue:
        own |= {"exchange": "", "routing_key": ""}
    masks, problems = redactor(app), {}
    masked = drafts.shown(masks, known.name, known.args, known.kwargs)
    for name, hidden, kept in zip(
        ("args", "kwargs"), masked, (known.args, known.kwargs), strict=True
    ):
        if values[name] is None:
            continue
        try:
            own[name] = drafts.restored(values[name], hidden, kept, name)
        except drafts.StillMaskedError as error:
            problems[name] = str(error)
    if problems:
        raise BadParametersError(problems)
    message = replace(known, **own)
    return message, origin is not None and message != base


def _base(app: Celery, values: Values, origin: Task | None) -> Message | None:
    """What holds where nothing is given: only of the same type, whose arguments they are."""
    if origin is None or origin.name != values["task"]:
        return None
    found = find_whole(app, origin)
    if not isinstance(found, Reason):
        return found.message
    if values["args"] is None or values["kwargs"] is None:
        raise BadParametersError({"args": _("is missing: %(why)s") % {"why": found.text}})
    return None
