"""The demo from its first process to its last."""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import signal
import subprocess
import sys
from types import FrameType

from example_project.broker.server import answers
from example_project.demo import groups
from example_project.demo.only_one import publish
from example_project.demo.plan import KILLED, PYTHON, Plan, broker, services
from example_project.demo.screen import screen
from example_project.demo.supervisor import StartError, StopError, Supervisor
from example_project.environment import DATA

LOGS = DATA / "logs"


def show(plan: Plan) -> int:
    """Runs until Ctrl-C or SIGTERM; gives the exit code."""
    LOGS.mkdir(exist_ok=True)
    _set_up_logging()
    supervisor = Supervisor(_environment(plan), LOGS)
    _listen_to_signals(supervisor)
    with publish(plan.variables):
        try:
            _start(plan, supervisor)
            supervisor.run(KILLED, float(os.environ.get("DEMO_KILL_EVERY", "300")))
        except StopError:
            code = 0
        except StartError as error:
            print(error, file=sys.stderr)
            code = 1
        finally:
            supervisor.stop()
    return code


def _set_up_logging() -> None:
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    file = logging.FileHandler(LOGS / "demo.log", mode="w")
    handlers: list[logging.Handler] = [terminal, file]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers)


def _environment(plan: Plan) -> dict[str, str]:
    own = {"DJANGO_SETTINGS_MODULE": "example_project.settings", "DEMO_DEBUG": "0"}
    return {**os.environ, **plan.variables, **own, "PYTHONUNBUFFERED": "1"}


def _listen_to_signals(supervisor: Supervisor) -> None:
    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.asked += 1
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            print("\n  Stopping ...", flush=True)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)


def _start(plan: Plan, supervisor: Supervisor) -> None:
    server, port = broker(plan), plan.broker_port
    if server and port:
        supervisor.start(server)
        supervisor.wait_for(lambda: answers(plan.host, port), "broker", 60)
    web, *others = running = services(plan)
    # The longest to start. Nobody knows its address before the database is ready.
    supervisor.start(web)
    sign_in_path = _prepare(supervisor)
    for service in others:
        supervisor.start(service)
    supervisor.wait_for(lambda: _page_answers(plan.host, plan.port), "web server", 90)
    everything = [server, *running] if server else running
    print(screen(plan, everything, sign_in_path, LOGS), flush=True)


def _prepare(supervisor: Supervisor) -> str:
    """Database, user and history; its progress goes to the terminal, its answer comes to us."""
    command = [PYTHON, "-m", "example_project.demo.prepare"]
    process = groups.start(
        command, supervisor.environment, supervisor.guard, stdout=subprocess.PIPE
    )
    try:
        while process.poll() is None:
            supervisor.turn()
    finally:
        groups.end(process, supervisor.guard)
    answer = process.communicate()[0].decode()
    if process.returncode:
        raise StartError("The demo cannot start; the reason is above.")
    return answer.strip()


def _page_answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/admin/login/")
        status = connection.getresponse().status
    except OSError:
        return False
    finally:
        connection.close()
    if status != http.client.OK:
        raise StartError(f"The pages answer {status}; see {LOGS / 'web.log'}.")
    return True
