"""``manage.py celerymonitor_queue``: the queue on RabbitMQ that belongs to this database."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable
from typing import Any

from celery import Celery
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import router
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu import Connection

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.ingest.queues import (
    DURABLE_TRANSPORTS,
    QueueState,
    TransportError,
    connection_to_read,
    look_at,
    passing_errors,
    queue_name,
    short_connection,
)
from django_celery_monitor.models import CollectorRun, Installation
from django_celery_monitor.upkeep.collector_run import consumers, installation_id


class Command(BaseCommand):
    help = "Shows or deletes the queue that keeps events for this database, or gives it another."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("act", choices=["status", "delete", "new-id"])
        parser.add_argument("-A", "--app", help="dotted path of the Celery app")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        self._using = router.db_for_write(CollectorRun)
        if options["act"] == "new-id":
            self._new_id(yes=options["yes"])
            return
        try:
            app = find_app(options["app"])
            act = self._status if options["act"] == "status" else self._delete
            self._on_broker(app, act, yes=options["yes"])
        except (ImproperlyConfigured, TransportError) as error:
            raise CommandError(str(error)) from error

    def _on_broker(self, app: Celery, act: Callable[..., None], *, yes: bool) -> None:
        offline = connection_to_read(app)
        if offline.transport.driver_type not in DURABLE_TRANSPORTS:
            text = _("Broker %(url)s keeps no queue for the monitor: only RabbitMQ does.")
            raise CommandError(text % {"url": offline.as_uri()})
        name = queue_name(app, installation_id(self._using))
        try:
            with short_connection(app) as connection:
                act(connection, name, look_at(connection, name), yes)
        except passing_errors(offline) as error:
            text = _("Broker %(url)s: %(error)s") % {"url": offline.as_uri(), "error": error}
            raise CommandError(text) from error

    def _status(
        self, connection: Connection, name: str, state: QueueState | None, _yes: bool
    ) -> None:
        self.stdout.write(_("Queue %(name)s at %(url)s") % _of(connection, name))
        if state is None:
            self.stdout.write(_("It does not exist. The next collector makes it."))
            return
        number = consumers(self._using, connection.transport_cls or "")
        counted = {"depth": state.depth, "consumers": state.consumers, "known": number}
        text = _(
            "%(depth)d messages wait. Consumers: %(consumers)d;"
            " collectors of this database: %(known)d."
        )
        self.stdout.write(text % counted)

    def _delete(
        self, connection: Connection, name: str, state: QueueState | None, yes: bool
    ) -> None:
        if state is None:
            self.stdout.write(_("There is no queue %(name)s at %(url)s.") % _of(connection, name))
            return
        question = ngettext(
            "Delete queue %(name)s at %(url)s with %(depth)d message?",
            "Delete queue %(name)s at %(url)s with %(depth)d messages?",
            state.depth,
        )
        self._confirm(question % {**_of(connection, name), "depth": state.depth}, yes=yes)
        channel: Any = connection.default_channel
        channel.queue_delete(name)
        self.stdout.write(_("Deleted queue %(name)s at %(url)s.") % _of(connection, name))

    def _new_id(self, *, yes: bool) -> None:
        old = installation_id(self._using)
        now = timezone.now()
        runs = CollectorRun.objects.using(self._using).filter(ended_at=None)
        if any(run.is_listening(now) for run in runs) and not yes:
            text = _("A collector of this database listens. Stop it first, or give --yes.")
            raise CommandError(text)
        self._confirm(_("Give this database an id other than %(old)s?") % {"old": old}, yes=yes)
        new = uuid.uuid4()
        Installation.objects.using(self._using).filter(pk=1).update(uuid=new)
        self.stdout.write(
            _("This database is now %(new)s; it was %(old)s.") % {"new": new, "old": old}
        )

    def _confirm(self, question: str, *, yes: bool) -> None:
        if yes:
            return
        try:
            answer = input(_("%(question)s [y/N] ") % {"question": question})
        except EOFError:
            answer = ""
        if answer.strip().lower() not in (_("y"), _("yes")):
            raise CommandError(_("Nothing was changed."))


def _of(connection: Connection, name: str) -> dict[str, str]:
    return {"name": name, "url": connection.as_uri()}
