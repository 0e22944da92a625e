"""What the demo runs, and on which servers."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from example_project.broker.server import command as broker_command
from example_project.broker.server import redis_server
from example_project.databases import database
from example_project.demo.addresses import AddressError, free_port, loopback, netloc
from example_project.environment import DATA, DEFAULTS, HERE

PYTHON = sys.executable
CELERY = [PYTHON, "-m", "celery", "-A", "example_project"]
MANAGE = [PYTHON, str(HERE.parent / "manage.py")]

OWN_SERVER = "redis"
COLLECTOR = "collector"
# The worker that is killed now and then.
KILLED = "batch-1"


@dataclass(frozen=True, slots=True)
class Service:
    """One process to keep running; ``about`` says on the screen what it does."""

    name: str
    about: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    host: str
    port: int
    broker_url: str
    results_url: str
    database_url: str
    # Of the broker that we start ourselves; None when both addresses were given.
    broker_port: int | None

    @property
    def site(self) -> str:
        return f"http://{netloc(self.host, self.port)}"

    @property
    def variables(self) -> dict[str, str]:
        """What `example_project.settings` reads."""
        return {
            "DEMO_BROKER_URL": self.broker_url,
            "DEMO_RESULT_BACKEND_URL": self.results_url,
            "DEMO_DATABASE_URL": self.database_url,
            "DEMO_PORT": str(self.port),
        }


def make_plan() -> Plan:
    """From the environment; what it leaves open is private and on free ports."""
    host = loopback(os.environ.get("DEMO_HOST", "127.0.0.1"))
    given = os.environ.get
    broker, results = given("DEMO_BROKER_URL"), given("DEMO_RESULT_BACKEND_URL")
    port = None if broker and results else free_port(host)
    own = f"redis://{netloc(host, port)}" if port else ""
    database_url = given("DEMO_DATABASE_URL") or DEFAULTS["DEMO_DATABASE_URL"]
    try:
        database(database_url)
        wanted = int(given("DEMO_PORT") or DEFAULTS["DEMO_PORT"])
    except ValueError as error:
        raise AddressError(f"DEMO_DATABASE_URL or DEMO_PORT: {error}") from error
    return Plan(
        host=host,
        port=free_port(host, wanted),
        broker_url=broker or f"{own}/0",
        results_url=results or f"{own}/1",
        database_url=database_url,
        broker_port=port,
    )


def broker(plan: Plan) -> Service | None:
    if plan.broker_port is None:
        return None
    about = "redis-server, private" if redis_server() else "fakeredis, private"
    return Service(OWN_SERVER, about, broker_command(plan.host, plan.broker_port, DATA))


def services(plan: Plan) -> list[Service]:
    """All that need the broker and the database, in the order of starting."""
    return [
        Service("web", "pages and websocket", _web(plan), {"DEMO_DEBUG": "1"}),
        Service(COLLECTOR, "manage.py celerymonitor", [*MANAGE, "celerymonitor"]),
        _worker("web-1", ["default", "payments", "mail"], 2),
        _worker(KILLED, ["images", "search", "reports"], 3),
        Service("beat", "periodic tasks", [*CELERY, "beat", *_quiet(), *_beat_files()]),
        Service("workload", "customers", [PYTHON, "-m", "example_project.demo.workload"]),
    ]


def _worker(name: str, queues: list[str], processes: int) -> Service:
    who = ["-n", f"celery@{name}", "-Q", ",".join(queues), "-c", str(processes)]
    # A demo that ends does not wait for its tasks.
    at_once = {"REMAP_SIGTERM": "SIGQUIT"}
    about = f"celery@{name} reads {', '.join(queues)}"
    return Service(name, about, [*CELERY, "worker", *_quiet(), *who], at_once)


def _web(plan: Plan) -> list[str]:
    where = ["--host", plan.host, "--port", str(plan.port)]
    quiet = ["--log-level", "warning", "--timeout-graceful-shutdown", "2"]
    return [PYTHON, "-m", "uvicorn", "example_project.asgi:application", *where, *quiet]


def _quiet() -> list[str]:
    return ["--loglevel", "WARNING"]


def _beat_files() -> list[str]:
    return ["--schedule", str(DATA / "beat-schedule"), "--pidfile", ""]


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()
