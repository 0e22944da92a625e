"""The README's installation, word for word: its own code blocks, in a project made for the purpose.

Nothing here is ours but the README: a fresh environment, `startproject`, and a Celery app as
Celery's documentation writes it, on a real Redis.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from django_celery_monitor.reading.words import duration
from tests.servers.ports import free_ports
from tests.servers.process import answers, running
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "dist", "node_*")
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"# at the end of (\S+)\n")
# Name and version; a constraint may have neither extras nor hashes.
LOCKED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?(==[^\\\n]+)", re.MULTILINE)
COLLECT = "python manage.py celerymonitor"

# From Celery's "First steps with Django", `proj` being our `shop`.
CELERY_PY = """\
import os

from celery import Celery

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')

app = Celery('shop')
app.config_from_object('django.conf:settings', namespace='CELERY')
app.autodiscover_tasks()
"""
INIT_PY = """\
from .celery import app as celery_app

__all__ = ('celery_app',)
"""
TASKS_PY = """\
import time

from celery import shared_task

@shared_task
def charge(order, cents, card_number):
    time.sleep(0.05)
    return {'order': order, 'paid': cents}
"""
SETTINGS_PY = """
INSTALLED_APPS += ['orders']
CELERY_BROKER_URL = {redis_url!r}
"""
# Generous: what is tested is not speed, and machines are shared.
PATIENCE = 60
CALL = "from orders.tasks import charge; print(charge.delay('A-17', 1299, '4111 1111').id)"
ADMIN = {
    "DJANGO_SUPERUSER_USERNAME": "ada",
    "DJANGO_SUPERUSER_PASSWORD": "only for this test",
    "DJANGO_SUPERUSER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True, slots=True)
class Project:
    """``shop``, in its own environment, beside a checkout of this repository."""

    folder: Path
    env: dict[str, str]

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def append(self, path: str, text: str) -> None:
        with (self.folder / path).open("a") as file:
            file.write(text)

    def task(self, task_id: str) -> Mapping[str, Any] | None:
        with closing(sqlite3.connect(self.folder / "db.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            select = "SELECT * FROM django_celery_monitor_task WHERE id = ?"
            row: Mapping[str, Any] | None = database.execute(select, [task_id]).fetchone()
            return row


def install_blocks() -> list[tuple[str, str]]:
    """Language and text of each code block under the README's heading "Install"."""
    readme = (ROOT / "README.md").read_text()
    section = readme.split("\n## Install\n", 1)[1].split("\n## ", 1)[0]
    return [(block[1], block[2]) for block in CODE.finditer(section)]


@pytest.fixture
def project(tmp_path: Path, redis_url: str) -> Project:
    """Before the first step: what somebody has who uses Django and Celery."""
    shutil.copytree(ROOT, tmp_path / "django-celery-monitor", ignore=LEFT_BEHIND)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    project = Project(tmp_path / "shop", environment(tmp_path))
    project.folder.mkdir()
    project.run("python -m pip install -q django 'celery[redis]'")
    project.run("django-admin startproject shop .")
    (project.folder / "orders").mkdir()
    project.append("orders/__init__.py", "")
    project.append("shop/celery.py", CELERY_PY)
    project.append("shop/__init__.py", INIT_PY)
    project.append("orders/tasks.py", TASKS_PY)
    project.append("shop/settings.py", SETTINGS_PY.format(redis_url=redis_url))
    return project


def environment(folder: Path) -> dict[str, str]:
    """Ours without what is about the tests; with locked versions, so that a run repeats."""
    locked = LOCKED.findall((ROOT / "requirements/test.txt").read_text())
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(name + version for name, version in locked))
    ours = ("TEST_", "DJANGO_", "PYTEST_", "PYTHONPATH", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return env | {
        "PATH": f"{folder / 'venv/bin'}:{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(constraints),
        "PIP_COMPILE": "0",
        "PYTHONUNBUFFERED": "1",
        **ADMIN,
    }


def follow_readme(project: Project) -> list[str]:
    """Do what its blocks say; returns the commands that run for ever instead of running them."""
    services = []
    for language, text in install_blocks():
        if language == "python":
            place = PLACE.match(text)
            assert place, f"the README does not say where this goes:\n{text}"
            project.append(place[1], f"\n{text[place.end() :]}")
            continue
        assert language == "sh", f"what to do with a block of {language}?"
        for command in text.strip().splitlines():
            if command == COLLECT:
                services.append(command)
            else:
                project.run(command)
    return services


@contextmanager
def service(project: Project, command: str, says: str) -> Iterator[Path]:
    """A command of the project's environment, from when its log ``says`` so."""
    log = project.folder / f"{command.split()[2]}.log"
    program, *arguments = command.split()
    with running(
        [project.folder.parent / "venv/bin" / program, *arguments],
        log,
        # What our own environment has too many would still be there.
        env=project.env | {"DJANGO_SETTINGS_MODULE": "shop.settings"},
        ready=lambda: says in log.read_text(),
    ):
        yield log


@contextmanager
def server(project: Project) -> Iterator[str]:
    [port] = free_ports(1)
    command = f"python manage.py runserver --noreload 127.0.0.1:{port}"
    with service(project, command, f":{port}"):
        wait_until(lambda: answers(port, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1."), timeout=PATIENCE)
        yield f"127.0.0.1:{port}"


def sign_in(client: httpx.Client) -> httpx.Response:
    """By the form that the monitor sends a stranger to; returns the page behind it."""
    form = client.get("/monitor/")
    assert form.url.path == "/admin/login/"
    given = {
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "username": ADMIN["DJANGO_SUPERUSER_USERNAME"],
        "password": ADMIN["DJANGO_SUPERUSER_PASSWORD"],
    }
    return client.post(form.url, data=given, headers={"Referer": str(form.url)})


def open_socket(client: httpx.Client, host: str) -> ClientConnection:
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return connect(
        f"ws://{host}/monitor/live/",
        origin=Origin(f"http://{host}"),
        additional_headers={"Cookie": cookies},
        proxy=None,
    )


def wait_until_told(socket: ClientConnection, task_id: str) -> None:
    """The page of this task would fetch itself anew now."""

    def told() -> bool:
        message = json.loads(socket.recv(timeout=PATIENCE))
        return message["type"] == "changed" and (message["more"] or task_id in message["tasks"])

    wait_until(told, timeout=PATIENCE)


@pytest.mark.timeout(600)
def test_installed_as_the_readme_says_it_shows_a_real_task(project: Project) -> None:
    [collect] = follow_readme(project)
    project.run("python manage.py createsuperuser --noinput")
    with (
        service(project, "celery -A shop worker -c 1 -l INFO", " ready."),
        service(project, collect, "Listening to redis://"),
        server(project) as host,
        httpx.Client(base_url=f"http://{host}", follow_redirects=True, trust_env=False) as client,
    ):
        overview = sign_in(client)
        assert (overview.status_code, overview.url.path) == (200, "/monitor/")
        with open_socket(client, host) as socket:
            task_id = project.run(f'python manage.py shell -v 0 -c "{CALL}"').strip()
            wait_until_told(socket, task_id)
        row = wait_until(lambda: finished(project.task(task_id)), timeout=PATIENCE)
        assert row
        shows_the_task(client.get(f"/monitor/tasks/{task_id}/"), row)
        shows_the_task(client.get(admin_page(task_id)), row)
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', overview.text):
            assert client.get(path).status_code == 200, path


def finished(row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return row if row is not None and row["state"] == "SUCCESS" else None


def admin_page(task_id: str) -> str:
    return f"/admin/django_celery_monitor/task/{quote(task_id.replace('_', '_5F'))}/change/"


def shows_the_task(page: httpx.Response, row: Mapping[str, Any]) -> None:
    assert page.status_code == 200
    text = page.text.replace("&#x27;", "'").replace("&quot;", '"')
    assert "orders.tasks.charge" in text
    assert "('A-17', 1299, ••••••)" in text
    assert "{'order': 'A-17', 'paid': 1299}" in text
    assert row["runtime"] >= 0.05
    assert duration(row["runtime"]) in text
    assert "4111" not in text
    assert "4111" not in "".join(map(str, row))
