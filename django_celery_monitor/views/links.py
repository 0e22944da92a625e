"""Addresses of a list: the one shown, with one thing changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_celery_monitor.filters import And, Not, negated, spelled
from django_celery_monitor.reading.counts import Facets
from django_celery_monitor.reading.saved import View
from django_celery_monitor.reading.words import FILTERS, GROUPS, count
from django_celery_monitor.views.addresses import address
from django_celery_monitor.workers import WorkerView

SHOWN: Final = 12
TIMES: Final = ("15m", "1h", "24h", "7d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One choice of a facet; ``hint`` is the exact number or why there is none."""

    label: str
    url: str
    current: bool = False
    count: str = ""
    hint: str = ""
    kind: str = ""
    icon: str = ""
    # The whole of a label that is shown short.
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter in force; ``url`` is the list without it, ``text`` its spelling in a search.

    ``name`` is that of its parameter in addresses.
    """

    label: str
    value: str
    url: str
    text: str
    name: str = ""


def changed(params: QueryDict, **values: str | list[str]) -> str:
    """The list with other values; an empty one is left out. Starts at the first page."""
    # A copy of ``params`` itself would be deep, and a page has dozens of such links.
    lists: dict[str, list[str]] = dict(params.lists())
    for key, value in {"cursor": "", **values}.items():
        lists[key] = value if isinstance(value, list) else [value] if value else []
    text = urlencode(lists, doseq=True)
    return address("celery_monitor:tasks") + (f"?{text}" if text else "")


def chosen_only(params: QueryDict, field: str, value: str) -> str:
    """The list with one value of a field, whatever was chosen or excluded before."""
    return changed(params, **{field: value, f"-{field}": ""})


def chips(params: QueryDict, expression: And) -> list[Chip]:
    found = []
    for term, excluded in negated(expression):
        name = f"-{term.field}" if excluded else term.field
        rest = [value for value in params.getlist(name) if value.strip() != term.value]
        label = str(FILTERS.get(term.field, term.field))
        chip = Chip(
            name=name,
            label=_("Not %(filter)s") % {"filter": label} if excluded else label,
            value=term.value,
            url=changed(params, **{name: rest}),
            text=spelled(And((Not(term) if excluded else term,))),
        )
        found.append(chip)
    return found


def views(found: list[View], current: View | None) -> list[Link]:
    url = address("celery_monitor:tasks")
    return [
        Link(
            label=view.name,
            url=f"{url}?view={view.key}" + (f"&{view.query}" if view.query else ""),
            current=current is not None and view.key == current.key,
            kind=view.key,
        )
        for view in found
    ]


def states(params: QueryDict, counts: Facets) -> list[Link]:
    chosen = params.getlist("state")
    every = Link(label=_("All"), url=chosen_only(params, "state", ""), current=not any(chosen))
    groups = [(key, str(label)) for key, label in GROUPS.items()]
    found = [
        _counted(
            label, chosen_only(params, "state", key), chosen == [key], counts.groups, key, counts
        )
        for key, label in groups
    ]
    if counts.groups is None:
        return [every, *found]
    total = Counter({"": counts.groups.total()})
    return [_counted(every.label, every.url, every.current, total, "", counts), *found]


def names(params: QueryDict, counts: Facets) -> list[Link]:
    """The types with most tasks; the chosen ones always among them."""
    chosen = params.getlist("name")
    if counts.names is None:
        shown = counts.known_names[:SHOWN]
    else:
        shown = [name for name, number in counts.names.most_common(SHOWN) if name and number]
    shown += [name for name in chosen if name and name not in shown]
    numbers = _with_patterns(counts.names, chosen)
    prefix = _common_prefix(shown)
    links = [
        _counted(name, chosen_only(params, "name", name), chosen == [name], numbers, name, counts)
        for name in shown
    ]
    return [
        replace(link, label=link.label.removeprefix(prefix), title=link.label) for link in links
    ]


def _with_patterns(found: Counter[str] | None, chosen: list[str]) -> Counter[str] | None:
    """Also how many tasks a chosen ``shop.*`` stands for."""
    if found is None:
        return None
    extended = Counter(found)
    for pattern in chosen:
        if pattern.endswith("*"):
            extended[pattern] = sum(found[name] for name in found if name.startswith(pattern[:-1]))
    return extended


def _common_prefix(found: list[str]) -> str:
    """The packages that all of several names are in; they take room and tell nothing."""
    packages = found[0].split(".")[:-1] if len(found) > 1 else []
    while packages:
        prefix = ".".join([*packages, ""])
        if all(name.startswith(prefix) for name in found):
            return prefix
        packages.pop()
    return ""


def hosts(params: QueryDict, views: list[WorkerView]) -> list[Link]:
    chosen = params.getlist("worker")
    shown = [view for view in views if view.worker.hostname in chosen]
    shown += [view for view in views[:SHOWN] if view not in shown]
    return [
        Link(
            label=view.worker.hostname,
            url=chosen_only(params, "worker", view.worker.hostname),
            current=chosen == [view.worker.hostname],
            hint=view.reason,
            icon=view.health,
        )
        for view in sorted(shown, key=views.index)
    ]


def times(params: QueryDict) -> list[Link]:
    chosen = params.get("after", "")
    whole = Link(label=_("All"), url=changed(params, after="", before=""), current=not chosen)
    parts = [
        Link(label=text, url=changed(params, after=text, before=""), current=chosen == text)
        for text in TIMES
    ]
    return [*parts, whole]


def _counted(
    label: str, url: str, current: bool, found: Counter[str] | None, key: str, counts: Facets
) -> Link:
    if found is None:
        hint = _("Not counted: that would take as long as the search itself.")
        return Link(label=label, url=url, current=current, hint=hint, kind=key)
    number = found[key]
    text, exact = count(number), number_format(number, force_grouping=True)
    if counts.at_least:
        text = f"{text}+" if number else ""
        looked_at = number_format(counts.looked_at, force_grouping=True)
        hint = _("At least %(count)s: %(n)s of those that match were looked at.")
        hint %= {"count": exact, "n": looked_at}
    else:
        hint = _("%(count)s tasks") % {"count": exact}
    return Link(label=label, url=url, current=current, count=text, hint=hint, kind=key)
