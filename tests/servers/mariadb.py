from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_ports
from tests.servers.process import answers, running
from tests.servers.spec import Server, ServerError


@contextmanager
def run(folder: Path, programs: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    [port] = free_ports(1)
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(folder, user, user)
    data = folder / "data"
    _create_tables(programs["mariadb-install-db"], data, user)
    options = {
        "datadir": data,
        "bind-address": "127.0.0.1",
        "port": port,
        "socket": folder / "mariadb.sock",
        "pid-file": folder / "mariadb.pid",
        # What one wants of a server, whatever its defaults are.
        "sql-mode": "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        # Nobody needs the data after a crash.
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-doublewrite": 0,
        "innodb-buffer-pool-size": "64M",
    }
    # No configuration of the machine's; and whoever reaches the port may do anything.
    command = [str(programs["mariadbd"]), "--no-defaults", "--skip-grant-tables"]
    command += ["--skip-name-resolve", *(f"--{name}={value}" for name, value in options.items())]
    with running(
        command,
        folder / "mariadb.log",
        ready=lambda: answers(port, b""),  # it greets first
        user=user,
    ):
        yield {MARIADB.variable: f"mariadb://root@127.0.0.1:{port}/mysql"}


def _create_tables(install: Path, data: Path, user: str | None) -> None:
    options = [f"--datadir={data}", "--skip-test-db", "--innodb-flush-log-at-trx-commit=0"]
    made = subprocess.run(
        [install, "--no-defaults", *options],
        cwd=data.parent,
        capture_output=True,
        check=False,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if made.returncode:
        msg = f"mariadb-install-db failed:\n{made.stdout}{made.stderr}"
        raise ServerError(msg)


def _unprivileged_user() -> str | None:
    """MariaDB refuses to run as root; everybody else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "mysql" if "mysql" in names else "nobody"


MARIADB = Server(
    name="MariaDB",
    variable="TEST_MARIADB_URL",
    package="mariadb-server",
    programs=("mariadb-install-db", "mariadbd"),
    places=("/usr/sbin",),
    run=run,
)
