"""Makes the database ready, says so on stderr, and prints the path of the sign-in link."""

from __future__ import annotations

import os
import sys

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from example_project.celery import app


def main() -> None:
    django.setup()
    # Their modules need the apps to be loaded.
    from example_project.demo.history.fill import back_fill
    from example_project.demo.views import sign_in_path

    _meet_broker()
    _say("database: migrating")
    call_command("migrate", verbosity=0)
    _make_user()
    back_fill(float(os.environ.get("DEMO_HISTORY_DAYS", "7")), _progress)
    print(sign_in_path())


def _meet_broker() -> None:
    with app.connection() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=5)
        except OperationalError as error:
            url = connection.as_uri()
            raise SystemExit(f"  The broker {url} does not answer: {error}") from error


def _make_user() -> None:
    """A superuser whose password everybody knows, so never in a database that others use."""
    from example_project.demo.views import DEMO_USER

    users = get_user_model().objects
    if users.filter(username=DEMO_USER).exists():
        return
    if users.exists():
        raise SystemExit("This database has users already; the demo wants one of its own.")
    users.create_superuser(DEMO_USER, password="demo")


def _progress(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r  history: {share:4.0%}", end="", file=sys.stderr, flush=True)
    if share == 1:
        _say(" stored")


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except DatabaseError as error:
        raise SystemExit(f"  The database: {error}") from error
