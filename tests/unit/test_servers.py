from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.__main__ import main
from tests.servers.ports import free_ports
from tests.servers.process import running, stop_group
from tests.servers.programs import find_all
from tests.servers.spec import Server, ServerError
from tests.waiting import wait_until


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    yield {}


MISSING = Server(
    name="Teapot",
    variable="TEST_TEAPOT_URL",
    package="teapot-server",
    programs=("teapot-server",),
    run=run,
)


def gone(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_who_may_not_install_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServerError, match="Teapot: install teapot-server, or set TEST_TEAPOT_URL"):
        find_all([MISSING])


def test_a_given_server_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("TEST_REDIS_URL", f"redis://127.0.0.1:{port}/0")
    assert main(["true"]) == 1
    assert "TEST_REDIS_URL is set, but no Redis answers there" in capsys.readouterr().err


def test_a_server_that_ends_at_once_shows_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no room'); raise SystemExit(3)"]
    with (
        pytest.raises(ServerError, match=r"(?s)teapot ended with status 3.*no room"),
        running(command, tmp_path / "teapot.log", ready=lambda: False),
    ):
        raise AssertionError


def test_a_server_that_ignores_signals_ends_with_its_children(tmp_path: Path) -> None:
    """A child of a server that was only asked to end outlived the tests."""
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    with server.stdout as out:
        child = int(out.readline())
    stop_group(server, signal.SIGTERM, timeout=0.1)
    assert server.returncode == -signal.SIGKILL
    wait_until(lambda: gone(child))
