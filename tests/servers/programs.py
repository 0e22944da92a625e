"""Where the servers' programs are, and how to get those that are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob
from pathlib import Path

from tests.servers.spec import Server, ServerError

POLICY = Path("/usr/sbin/policy-rc.d")


def find_all(servers: Sequence[Server]) -> dict[str, Mapping[str, Path]]:
    """Programs by server's name; installs Debian's packages of missing ones when it may."""
    missing = [server for server in servers if not _complete(server)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _install([server.package for server in missing])
        missing = [server for server in missing if not _complete(server)]
    if missing:
        lines = [
            f"  {server.name}: install {server.package}, or set {server.variable}"
            for server in missing
        ]
        raise ServerError("\n".join(["The tests need servers that are not here.", *lines]))
    return {server.name: _find(server) for server in servers}


def _complete(server: Server) -> bool:
    return len(_find(server)) == len(server.programs)


def _find(server: Server) -> dict[str, Path]:
    # Of several versions the newest sorts last.
    places = [folder for place in server.places for folder in sorted(glob(place), reverse=True)]
    path = os.pathsep.join([*places, os.environ.get("PATH", os.defpath)])
    found = {program: shutil.which(program, path=path) for program in server.programs}
    return {program: Path(where) for program, where in found.items() if where}


def _install(packages: Sequence[str]) -> None:
    print("Installing", *packages, flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _services_kept_off():
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                msg = f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"
                raise ServerError(msg)


@contextmanager
def _services_kept_off() -> Iterator[None]:
    """Debian starts a service when it installs it, unless this program says no."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
