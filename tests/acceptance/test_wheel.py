"""What a user installs: the wheel, and the sdist that has to make the same wheel without npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "dist", "node_modules", "build")
STATIC = "django_celery_monitor/static/django_celery_monitor/dist"


@dataclass(frozen=True, slots=True)
class Built:
    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, from a copy of the checkout as git has it: nothing bundled, nothing installed."""
    folder = tmp_path_factory.mktemp("checkout")
    checkout = shutil.copytree(ROOT, folder / "checkout", ignore=LEFT_BEHIND)
    shutil.copy(ROOT / "frontend/.npmrc", checkout / "frontend")
    out = folder / "out"
    run("hatchling", "build", "--directory", out, cwd=checkout)
    return Built(wheel=next(out.glob("*.whl")), sdist=next(out.glob("*.tar.gz")))


def run(*arguments: str | Path, cwd: Path, path: str | None = None) -> None:
    """Run a Python module; what it said is shown when it fails."""
    env = os.environ if path is None else {**os.environ, "PATH": path}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_the_bundled_front_end(built: Built) -> None:
    bundled = {
        "monitor.js",
        "chart.js",
        "graph.js",
        "theme.js",
        "monitor.css",
        "manifest.json",
        "LICENSES.txt",
    }
    assert {name for name in names(built.wheel) if name.startswith(STATIC)} == {
        f"{STATIC}/{name}" for name in bundled
    }


def test_the_wheel_carries_all_of_the_package_and_nothing_else(built: Built) -> None:
    package = ROOT / "django_celery_monitor"
    ours = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and not {"__pycache__", "dist"} & set(path.parts)
    }
    others = {name for name in names(built.wheel) if not name.startswith(STATIC)}
    assert {
        "django_celery_monitor/py.typed",
        "django_celery_monitor/migrations/0001_initial.py",
    } < ours
    assert {name for name in others if ".dist-info/" not in name} == ours


def test_the_sdist_makes_the_same_wheel_without_npm(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    arguments = ("--wheel", "--no-isolation", "--outdir", tmp_path / "out")
    run("build", *arguments, source, cwd=tmp_path, path=str(nothing))
    [again] = (tmp_path / "out").iterdir()
    assert again.read_bytes() == built.wheel.read_bytes()
