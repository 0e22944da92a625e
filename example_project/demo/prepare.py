"""Makes the database ready, says so on stderr, and prints the path of the sign-in link."""

from __future__ import annotations

import os
import sys

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError

from example_project.environment import DATA


def main() -> None:
    django.setup()
    # Their modules need the apps to be loaded.
    from example_project.demo.history.fill import back_fill
    from example_project.demo.views import sign_in_path

    _say("database: migrating")
    call_command("migrate", verbosity=0)
    _make_user()
    back_fill(float(os.environ.get("DEMO_HISTORY_DAYS", "7")), _progress)
    print(sign_in_path())


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
        raise SystemExit(f"  database: {error}\n  To begin anew, remove {DATA}.") from error
