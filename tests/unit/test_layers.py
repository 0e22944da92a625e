"""What may import what, and how long things may get: the package's layout, as rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_celery_monitor

PACKAGE = Path(django_celery_monitor.__file__).parent
OURS = "django_celery_monitor"
CELERY = ("celery", "kombu", "billiard", "amqp")

# By folder or root module: what it must not import, itself or anything below it.
FORBIDDEN = {
    "state": ("django", "time", "channels", *CELERY),
    "ingest": ("django.db", "channels", f"{OURS}.models", f"{OURS}.storage", f"{OURS}.live"),
    "storage": (*CELERY, "channels", f"{OURS}.ingest", f"{OURS}.live"),
    "live": (*CELERY, f"{OURS}.ingest", f"{OURS}.storage"),
    "views": (*CELERY, f"{OURS}.ingest"),
    "api": (*CELERY, f"{OURS}.ingest"),
    "metrics": (*CELERY, f"{OURS}.ingest"),
    "recorder": (
        *("django.db", "channels", f"{OURS}.models", f"{OURS}.storage", f"{OURS}.live"),
        *(f"{OURS}.state", f"{OURS}.pipeline", f"{OURS}.collector"),
    ),
    "access": CELERY,
    "templatetags": CELERY,
    "admin": CELERY,
    "events": ("django", "channels", *CELERY),
    "filters": CELERY,
    "models": CELERY,
}
# The only parts of ours that `state` may know.
STATE_KNOWS = (f"{OURS}.state", f"{OURS}.events")
# Stages that only pipeline.py may join; state is the vocabulary they share.
STAGES = frozenset({"ingest", "storage", "live"})
CLOCKS = frozenset({"now", "utcnow", "today"})
VAGUE_NAMES = frozenset({"utils", "helpers", "common", "misc"})
LONGEST_FILE = 250
LONGEST_FUNCTION = 35


def problems(path: Path, root: Path) -> list[str]:
    """Every rule the file breaks, in words; `root` is the package's folder."""
    source = path.read_text()
    tree = ast.parse(source)
    parts = path.relative_to(root).with_suffix("").parts
    imported = list(_imports(tree, parts))
    return [
        *_import_problems(parts, imported),
        *_clock_problems(parts, tree),
        *_size_problems(parts, source, tree),
        *(f"{part} says nothing" for part in parts if part in VAGUE_NAMES),
    ]


def _imports(tree: ast.Module, parts: tuple[str, ...]) -> Iterator[str]:
    """Absolute dotted names, also of imports inside functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([OURS, *parts[: len(parts) - node.level], *base.split()])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _import_problems(parts: tuple[str, ...], imported: list[str]) -> Iterator[str]:
    for name in imported:
        for banned in FORBIDDEN.get(parts[0], ()):
            if _within(name, banned):
                yield f"{parts[0]} imports {name}"
        foreign = _within(name, OURS) and not any(_within(name, known) for known in STATE_KNOWS)
        if parts[0] == "state" and foreign:
            yield f"state imports {name}"
    joined = {stage for stage in STAGES for name in imported if _within(name, f"{OURS}.{stage}")}
    if len(joined) > 1 and parts != ("pipeline",):
        yield f"joins {', '.join(sorted(joined))}; only pipeline.py may"


def _clock_problems(parts: tuple[str, ...], tree: ast.Module) -> Iterator[str]:
    if parts[0] != "state":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            yield f"state reads a clock: .{node.attr}"


def _size_problems(parts: tuple[str, ...], source: str, tree: ast.Module) -> Iterator[str]:
    if "migrations" in parts:
        return
    length = len(source.splitlines())
    if length > LONGEST_FILE:
        yield f"has {length} lines, split it"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{node.name} has {length} lines, split it"


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in PACKAGE.rglob("*.py")],
)
def test_every_file_keeps_to_its_layer_and_its_size(path: Path) -> None:
    assert problems(path, PACKAGE) == []


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("state/rules.py", "import django.utils", "state imports django.utils"),
        ("state/rules.py", "def f():\n    from time import time", "state imports time.time"),
        ("state/rules.py", "import datetime\ndatetime.datetime.now()", "clock: .now"),
        ("state/rules.py", f"from {OURS}.conf import x", f"state imports {OURS}.conf.x"),
        ("state/rules.py", "from ..models import Task", f"state imports {OURS}.models.Task"),
        ("ingest/receive.py", f"from {OURS} import models", f"ingest imports {OURS}.models"),
        ("storage/merge.py", "from celery import states", "storage imports celery.states"),
        ("storage/merge.py", "import kombu", "storage imports kombu"),
        ("views/tasks.py", "import celery", "views imports celery"),
        ("api/tasks.py", f"from {OURS}.ingest import x", f"api imports {OURS}.ingest.x"),
        ("metrics/text.py", "import kombu.utils", "metrics imports kombu.utils"),
        ("upkeep/joins.py", f"import {OURS}.ingest, {OURS}.storage", "joins ingest, storage"),
        ("recorder/a.py", f"from {OURS}.models import x", f"recorder imports {OURS}.models.x"),
        ("views/utils.py", "", "utils says nothing"),
        ("admin.py", "x = 1\n" * 251, "has 251 lines"),
        ("admin.py", "def f():\n" + "    x = 1\n" * 35, "f has 36 lines"),
    ],
)
def test_a_violation_is_caught(tmp_path: Path, name: str, source: str, complaint: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert any(complaint in problem for problem in problems(path, tmp_path))


def test_only_the_pipeline_joins_the_stages(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(f"from {OURS} import ingest, live, storage")
    assert problems(path, tmp_path) == []
