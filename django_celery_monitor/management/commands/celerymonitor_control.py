"""``manage.py celerymonitor_control``: acts on tasks, workers and queues, and asks workers."""

from __future__ import annotations

import argparse
import getpass
import json
import os
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from django_celery_monitor.celery_app import find_app
from django_celery_monitor.control.acts.base import Act, Outcome
from django_celery_monitor.control.acts.parameters import Flag, Parameter
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import ControlError
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction

# That of ``celery inspect`` when nobody answers, and that of what may work later.
NOBODY: Final = 69
LATER: Final = 75
NOT_DONE: Final = 3
STATUS: Final[dict[str, int]] = {
    Outcome.CONFIRMED: 0,
    Outcome.REQUESTED: 0,
    Outcome.NOBODY_ANSWERED: NOBODY,
}
_PREFIX: Final = "given_"


class Command(BaseCommand):
    help = "Does what celery control and celery inspect do, checked and recorded."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="act")
        for act in ACTS.values():
            help_text = str(act.help).replace("%", "%%")
            own = acts.add_parser(act.name, help=help_text, description=str(act.help))
            for each in act.parameters:
                _add(own, each)
            own.add_argument("--reason", default="", help="why; kept in the audit")
            own.add_argument("--json", action="store_true", help="print all of it as JSON")
            own.add_argument("-A", "--app", help="dotted path of the Celery app")

    def handle(self, *_args: Any, **options: Any) -> None:
        act = ACTS[options["act"]]
        given = {each.name: options[f"{_PREFIX}{each.name}"] for each in act.parameters}
        try:
            action = perform(
                None,
                act,
                {name: value for name, value in given.items() if value is not None},
                reason=options["reason"],
                source=ControlAction.Source.COMMAND,
                name=_who(),
                app=find_app(options["app"]),
            )
        except ControlError as error:
            later = error.status == HTTPStatus.SERVICE_UNAVAILABLE
            raise CommandError(str(error), returncode=LATER if later else 1) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_everything(action), indent=2, default=str))
        else:
            self._say(act, action)
        status = STATUS.get(action.outcome, NOT_DONE)
        if status:
            raise CommandError(_outcome(action), returncode=status)

    def _say(self, act: Act, action: ControlAction) -> None:
        for host, reply in action.replies.items():
            self.stdout.write(f"{host}: {reply['verdict']} {reply['text']}".rstrip())
            if host in action.content:
                content = action.content[host]["content"]
                self.stdout.write(json.dumps(content, indent=2, default=str))
        for host in action.silent:
            self.stdout.write(_("%(host)s: did not answer") % {"host": host})
        if action.outcome in (Outcome.CONFIRMED, Outcome.REQUESTED):
            self.stdout.write(_outcome(action))
            if act.lasting:
                self.stdout.write(str(act.lasting))


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """What has to be given comes by place, but for workers, which follow an option everywhere."""
    dest = f"{_PREFIX}{parameter.name}"
    more: dict[str, Any] = {"help": str(parameter.help).replace("%", "%%"), "default": None}
    option = f"--{parameter.name.replace('_', '-')}"
    if isinstance(parameter, Flag):
        parser.add_argument(option, dest=dest, action="store_true", **more)
    elif parameter.required and parameter.name != "workers":
        nargs = "+" if parameter.many else None
        parser.add_argument(dest, metavar=parameter.name, help=more["help"], nargs=nargs)
    elif parameter.many:
        more |= {"nargs": "+", "required": parameter.required}
        parser.add_argument(option, dest=dest, metavar="NAME", **more)
    else:
        parser.add_argument(option, dest=dest, metavar=parameter.name.upper(), **more)


def _who() -> str:
    """The operating system's user; in a container there may be none of that number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _outcome(action: ControlAction) -> str:
    words = Outcome(action.outcome).label
    return f"{words}: {action.detail}" if action.detail else str(words)


def _everything(action: ControlAction) -> dict[str, Any]:
    fields = ("act", "outcome", "detail", "replies", "silent", "arguments", "started_at")
    own = {field: getattr(action, field) for field in fields}
    return {**own, "id": action.pk, "told": action.content}
