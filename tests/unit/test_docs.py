"""What the docs say can be checked: commands, settings, links, rules, examples."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import global_settings
from django.core.management import get_commands, load_command_class

import django_celery_monitor
from django_celery_monitor import checks
from django_celery_monitor.access import policy
from django_celery_monitor.access.acts import ACTS, OPERATORS, VIEWERS
from django_celery_monitor.conf import SETTING, Settings
from django_celery_monitor.control.acts.registry import ACTS as CONTROLS
from django_celery_monitor.ingest.redact import Redactor
from django_celery_monitor.state import derive, states

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
REFERENCE = DOCS / "reference"
# Linked to, but not where tox runs us.
PAPERS = frozenset(ROOT / name for name in ("CHANGELOG.md", "LICENSE", "SECURITY.md"))

CODE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)((?: +[^\s`|.,;:)]\S*)*)")
CAPITALS = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
ABSOLUTE = re.compile(r"(?:^|(?<=[\s`\"'=(]))/(\w+)/")

# Of other packages and of the example project.
OTHER_SETTINGS = frozenset(
    {"ASGI_APPLICATION", "ATOMIC_REQUESTS", "CHANNEL_LAYERS", SETTING, "SCRIPT_NAME"}
)
OTHER_PREFIXES = ("CELERY_", "DEMO_", "TEST_", "DJANGO_")
HOSTS = frozenset(
    {"docs.celeryq.dev", "docs.djangoproject.com", "docs.github.com", "example.org", "localhost"}
)
# Where servers keep things, our own addresses, and Flower's.
FOLDERS = frozenset({"admin", "api", "etc", "monitor", "srv", "static", "task", "var", "worker"})


def relative(document: Path) -> str:
    return str(document.relative_to(ROOT))


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=relative)


def without_code(text: str) -> str:
    return CODE.sub("", text)


def python_blocks(document: Path) -> Iterator[ast.Module]:
    for language, code in CODE.findall(document.read_text()):
        if language == "python":
            lines = code.splitlines()
            indent = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
            text = "\n".join(line[indent:] for line in lines)
            # Parts of a dict are shown too, as they stand in settings.
            yield ast.parse(f"{{{text}}}" if text.startswith('"') else text)


def options_of(command: str) -> frozenset[str]:
    app = get_commands()[command]
    found = app if not isinstance(app, str) else load_command_class(app, command)
    return options(found.create_parser("manage.py", command))


def options(parser: argparse.ArgumentParser) -> frozenset[str]:
    return frozenset(name for action in parser._actions for name in action.option_strings)


def cells(text: str) -> Iterator[list[str]]:
    """The rows of all tables in a text."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def anchors(document: Path) -> set[str]:
    """The ids that a heading has when the repository is browsed."""
    headings = HEADING.findall(without_code(document.read_text()))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@each_document
def test_commands_and_their_options_exist(document: Path) -> None:
    for command, rest in COMMAND.findall(document.read_text()):
        assert command in get_commands(), command
        given = {word.partition("=")[0] for word in rest.split() if word.startswith("-")}
        assert given <= options_of(command), (command, given - options_of(command))


@each_document
def test_options_that_stand_alone_are_the_collectors(document: Path) -> None:
    if document.name in ("migrating-from-flower.md", "demo.md", "performance.md"):
        return
    words = {text.split()[0] for text in INLINE.findall(without_code(document.read_text()))}
    named = {word for word in words if re.fullmatch(r"--[a-z-]+|-[A-Za-z]", word)}
    others = {"--without-heartbeat", "-E"}
    assert named - others <= options_of("celerymonitor")


def test_the_benchmarks_have_the_options_that_the_figures_name() -> None:
    named = set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]*)", (DOCS / "performance.md").read_text()))
    assert "--json" in named
    source = "".join(path.read_text() for path in (ROOT / "benchmarks").glob("*.py"))
    assert {name for name in named - {"--help"} if f'"{name}"' not in source} == set()


def test_every_option_of_the_collector_has_a_row() -> None:
    django = options(load_command_class("django.core", "check").create_parser("manage.py", "check"))
    text = (REFERENCE / "command.md").read_text()
    rows = {name for row in cells(text) for name in INLINE.findall(row[0])}
    assert options_of("celerymonitor") - django <= rows
    assert {name for name in rows if name.startswith("-")} <= options_of("celerymonitor")


@each_document
def test_settings_exist(document: Path) -> None:
    text = document.read_text()
    known = {field.name for field in fields(Settings)}
    named = set(re.findall(rf'{SETTING}\["(\w+)"\]', text))
    named |= set(re.findall(r"\bsettings? (?:\[)?`([A-Z_]+)`", text))
    for module in python_blocks(document):
        named |= set(keys_set_in(module))
    elsewhere = {*dir(global_settings), *vars(states), *OTHER_SETTINGS}
    for word in INLINE.findall(without_code(text)):
        if CAPITALS.fullmatch(word) and not word.startswith(OTHER_PREFIXES):
            assert word in known | elsewhere, word
    assert named - elsewhere <= known


def keys_set_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if SETTING in names:
                yield from (str(ast.literal_eval(key)) for key in node.value.keys if key)


def test_every_setting_has_a_row() -> None:
    rows = {row[0].strip("`") for row in cells((REFERENCE / "settings.md").read_text())}
    assert {field.name for field in fields(Settings)} <= rows


def test_every_check_is_explained() -> None:
    pattern = r"celery_monitor\.[EW]\d{3}"
    raised = set(re.findall(pattern, Path(checks.__file__).read_text()))
    headings = "\n".join(HEADING.findall((REFERENCE / "checks.md").read_text()))
    assert raised
    assert set(re.findall(pattern, headings)) == raised


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(without_code(document.read_text())):
        parts = urlsplit(link)
        target = (document.parent / parts.path).resolve() if parts.path else document
        if parts.scheme or target in PAPERS:
            continue
        assert target.is_file(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


def test_every_page_is_linked_to() -> None:
    linked = {
        (document.parent / urlsplit(link).path).resolve()
        for document in DOCUMENTS
        for link in LINK.findall(document.read_text())
    }
    assert {relative(document) for document in DOCUMENTS if document not in linked} <= {"README.md"}


@each_document
def test_python_examples_compile_and_import_what_exists(document: Path) -> None:
    for module in python_blocks(document):
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_"):
                found = import_module(node.module or "")
                assert all(hasattr(found, each.name) for each in node.names), node.module


@each_document
def test_no_page_names_a_machine_or_a_package_index(document: Path) -> None:
    text = document.read_text()
    hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s)`\"'<>]+", text)}
    assert {host for host in hosts if host and not host.startswith("127.")} <= HOSTS
    assert set(ABSOLUTE.findall(text)) <= FOLDERS


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


@each_document
def test_wheels_have_the_present_version(document: Path) -> None:
    named = re.findall(r"django_celery_monitor-(\S+?)-py3-none-any\.whl", document.read_text())
    assert set(named) <= {django_celery_monitor.__version__}


def test_the_rules_of_state_are_those_of_derive() -> None:
    text = (DOCS / "architecture/state.md").read_text()
    section = text.split("\n## The rules\n", 1)[1].split("\n## ", 1)[0]
    told = dict(row for row in cells(section) if len(row) == 2)
    assert "final state" in rules()
    assert {label: told.get(label) for label in rules()} == rules()


def rules() -> dict[str, str]:
    """The table in ``derive``'s docstring, in the docs' spelling."""
    table = (getdoc(derive) or "").split("=\n", 1)[1].rsplit("\n=", 1)[0]
    found: dict[str, str] = {}
    label = ""
    for line in table.replace("``", "`").splitlines():
        # What begins in the left column is a new rule.
        name, _gap, rule = line.strip().partition("  ")
        if line[0] == " ":
            found[label] += f" {line.strip()}"
        else:
            label, found[name] = name, rule.strip()
    return found


def test_the_example_of_a_policy_narrows_every_model() -> None:
    [code] = re.findall(
        r"```python\n(# shop/access\.py\n.*?)```",
        (DOCS / "how-to/permissions.md").read_text(),
        re.DOTALL,
    )
    names: dict[str, Any] = {}
    exec(code, names)
    viewer = SimpleNamespace(is_superuser=False)
    for model in apps.get_app_config("django_celery_monitor").get_models():
        shown = names["MailTeam"]().visible(viewer, model._default_manager.all())
        assert ("mail" in str(shown.query)) == model.__name__.startswith("Task")


def test_the_examples_of_redaction_are_masked_so() -> None:
    document = DOCS / "how-to/redaction.md"
    [assignment] = [
        node
        for module in python_blocks(document)
        for node in ast.walk(module)
        if isinstance(node, ast.Dict) and "REDACT_KEYS" in ast.unparse(node)
    ]
    values = [ast.unparse(value) for value in assignment.values]
    patterns = tuple(ast.literal_eval(values[1]))
    redactor = Redactor(Settings().REDACT_KEYS, patterns, lambda _name: frozenset({1}))
    examples = [row[1:] for row in cells(document.read_text()) if "•" in row[-1]]
    assert len(examples) == 4
    for example, stored in examples:
        text, expected = INLINE.findall(example)[-1], INLINE.findall(stored)[-1]
        masked = redactor.args("", text) if text.startswith("(") else redactor.text(text)
        assert masked == expected


def test_the_table_of_permissions_is_the_one_that_is_asked() -> None:
    text = (REFERENCE / "permissions.md").read_text()
    section = text.split("## What each allows", 1)[1].split("\n## ", 1)[0]
    rows = {INLINE.findall(row[0])[0]: row[1:] for row in cells(section) if "`" in row[0]}
    marks = {True: "yes", False: ""}
    assert rows == {
        act.codename: [
            str(act.allows),
            *(marks[group in act.groups] for group in (VIEWERS, OPERATORS)),
            marks[act.changes],
        ]
        for act in ACTS
    }


def test_the_codenames_of_the_policy_are_all_in_the_table() -> None:
    values = [value for name, value in vars(policy).items() if name.isupper()]
    named = {value for value in values if isinstance(value, str)}
    assert named == {act.codename for act in ACTS}


def test_acts_that_a_restart_forgets_are_those_that_say_so() -> None:
    text = (DOCS / "how-to/control.md").read_text().partition("## What a restart forgets\n")[2]
    named = set(re.findall(r"`([a-z_]+)`", text)) - {"statedb", "lasting"}
    assert named == {act.name for act in CONTROLS.values() if act.lasting}


def test_each_act_is_documented_with_its_permission() -> None:
    table = (DOCS / "how-to/control.md").read_text().partition("## The acts\n")[2]
    found: dict[str, str] = {}
    for acts, codename, *_rest in cells(table.partition("\n## ")[0]):
        found |= dict.fromkeys(INLINE.findall(acts), codename.strip("`"))
    assert found == {act.name: act.codename for act in CONTROLS.values()}


def test_the_matrix_of_acts_by_pool_has_every_act() -> None:
    """That it is true is seen on real workers, in test_control_workers."""
    table = (DOCS / "how-to/control.md").read_text().partition("| `prefork` | `solo` |")[2]
    rows = list(cells(table.partition("\n\n")[0]))[1:]
    assert sorted(act for acts, *_rest in rows for act in INLINE.findall(acts)) == sorted(CONTROLS)
