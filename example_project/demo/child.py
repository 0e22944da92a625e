"""One service of the demo, as a process that may be started again."""

from __future__ import annotations

import subprocess
from pathlib import Path

from example_project.demo import groups
from example_project.demo.guard import Guard
from example_project.demo.plan import Service

LOG_TAIL = 15


class Child:
    """Starts when it is made; what it says goes to a log of its own."""

    def __init__(
        self, service: Service, environment: dict[str, str], guard: Guard, logs: Path
    ) -> None:
        self.service, self.guard = service, guard
        self.environment = {**environment, **service.environment}
        self.log = logs / f"{service.name}.log"
        self.log.unlink(missing_ok=True)
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = groups.start(
                self.service.command,
                self.environment,
                self.guard,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ended(self) -> bool:
        return self.process.poll() is not None

    def ask_to_end(self) -> None:
        if not self.ended():
            self.process.terminate()

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        groups.end(self.process, self.guard)

    def epitaph(self) -> str:
        """How it ended, and the end of its log."""
        code = self.process.returncode
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        quoted = "".join(f"    {line}\n" for line in lines)
        return f"{self.service.name} ended {how}. The end of {self.log}:\n{quoted}"
