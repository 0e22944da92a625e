"""Acts on queues, which the broker does itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amqp.exceptions import NotFound
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_celery_monitor.access.policy import PURGE_QUEUE
from django_celery_monitor.control.acts import aiming
from django_celery_monitor.control.acts.base import Act, Aim, Outcome, Result, Values
from django_celery_monitor.control.acts.workers import QUEUE

if TYPE_CHECKING:
    from django_celery_monitor.access.policy import User
    from django_celery_monitor.control.way import Way


class Purge(Act):
    name = "purge"
    codename = PURGE_QUEUE
    label = gettext_lazy("Purge queue")
    help = gettext_lazy(
        "All messages that wait in the queue are deleted for good. What workers have fetched"
        " already stays."
    )
    parameters = (QUEUE,)
    typed = "queue"

    def aim(self, user: User | None, values: Values) -> Aim:
        return Aim(targets=(aiming.at_queue(user, values["queue"]),), count=1)

    def run(self, way: Way, values: Values, aim: Aim) -> Result:
        channel: Any = way.connection().default_channel
        way.commit()
        try:
            number = int(channel.queue_purge(values["queue"]) or 0)
        except NotFound:
            text = _("The broker has no queue of this name.")
            return Result(outcome=Outcome.REFUSED, detail=text)
        text = ngettext("Deleted %(n)d message.", "Deleted %(n)d messages.", number)
        return Result(outcome=Outcome.CONFIRMED, detail=text % {"n": number})
