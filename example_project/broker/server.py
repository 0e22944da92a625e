"""Which broker this machine can run, and whether it answers."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path


def redis_server() -> str | None:
    """The path of ``redis-server``; ``DEMO_EMBEDDED_BROKER=1`` hides it."""
    if os.environ.get("DEMO_EMBEDDED_BROKER") == "1":
        return None
    return shutil.which("redis-server")


def command(host: str, port: int, folder: Path) -> list[str]:
    """Starts a private broker that keeps nothing: no password, so ``host`` must be loopback."""
    redis = redis_server()
    if redis is None:
        return [sys.executable, "-m", "example_project.broker.embedded", host, str(port)]
    listen = ["--bind", host, "--port", str(port)]
    keep_nothing = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    return [redis, *listen, *keep_nothing, "--daemonize", "no"]


def answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
