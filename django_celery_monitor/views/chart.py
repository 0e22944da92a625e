"""One chart, for ``_chart.html``; ``frontend/src/chart.ts`` draws its ``data``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.reading import clock
from django_celery_monitor.reading.samples import SAMPLED
from django_celery_monitor.reading.series import MEASURES, Line
from django_celery_monitor.reading.series_gaps import Hole, unknown
from django_celery_monitor.reading.series_window import Window
from django_celery_monitor.reading.words import FILTERS

TITLES: Final = {
    "throughput": gettext_lazy("Throughput"),
    "failures": gettext_lazy("Failures"),
    "runtime": gettext_lazy("Run time"),
    "wait": gettext_lazy("Waiting time"),
    "active": gettext_lazy("Tasks at once"),
    "load": gettext_lazy("Load"),
    "processed": gettext_lazy("Begun per minute"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``measure`` is a key of ``TITLES``, ``group`` one of ``series.GRAINS`` or empty.

    ``of``: the one label that it is about, as a filter of lists; empty for all tasks.
    """

    measure: str
    group: str
    percentile: str
    of: dict[str, str]
    may_list: bool
    window: Window
    lines: list[Line]
    holes: list[Hole]

    @property
    def title(self) -> str:
        return str(TITLES[self.measure])

    @property
    def lasts(self) -> bool:
        """Whether it shows durations, and not numbers of runs."""
        return self.kind == "lines"

    @property
    def kind(self) -> str:
        """``bars`` of numbers of runs, ``lines`` of durations, ``levels`` of what was sampled."""
        if self.measure in SAMPLED:
            return "levels"
        return "lines" if MEASURES[self.measure][1] else "bars"

    @property
    def nothing(self) -> str:
        """What to say in place of lines; empty when there are some."""
        values = [value for line in self.lines for value in line.values]
        if any(values):
            return ""
        if len(unknown(self.window, self.holes)) == len(self.window):
            return _("Nothing is known of this time: %(reason)s.") % {
                "reason": self.holes[0].reason
            }
        if self.kind == "levels":
            none = all(value is None for value in values)
            return _("It said nothing of this in this time.") if none else ""
        return (
            _("Nothing failed in this time.")
            if self.measure == "failures"
            else _("Nothing ended in this time.")
        )

    @property
    def hint(self) -> str:
        """What its lines are, unless outcomes or percentiles."""
        if self.kind == "levels":
            return _("as its heartbeats said")
        if not self.group:
            return ""
        text = _("%(percentile)s by %(group)s") if self.lasts else _("by %(group)s")
        group = str(FILTERS[self.group]).lower()
        return text % {"percentile": self.percentile, "group": group}

    @property
    def json_url(self) -> str:
        """The address of ``data``."""
        params = {"measure": self.measure, "group": self.group, **self.of}
        if self.window.key:
            params["range"] = self.window.key
        else:
            params |= {"from": iso(self.window.start), "to": iso(self.window.end)}
        if self.group and self.lasts:
            params["percentile"] = self.percentile
        given = {key: value for key, value in params.items() if value}
        return reverse("celery_monitor:series") + "?" + urlencode(given)

    @property
    def data(self) -> dict[str, Any]:
        """Times are seconds since the epoch; ``list`` leads to the tasks behind a line."""
        return {
            "kind": self.kind,
            "zone": timezone.get_current_timezone_name(),
            "twelve": clock.chosen().twelve,
            "step": self.window.step.total_seconds(),
            "time": [int(start.timestamp()) for start in self.window.starts],
            "lines": [self._line(line) for line in self.lines],
            "list": self._list(),
            "gaps": [
                {"from": hole.start.timestamp(), "to": hole.end.timestamp(), "reason": hole.reason}
                for hole in self.holes
            ],
        }

    def _line(self, line: Line) -> dict[str, Any]:
        return {
            "key": line.key or f"={line.label}",
            "label": shown(line),
            "colour": line.colour,
            "values": line.values,
            "whole": line.whole,
            "list": self._list(line),
        }

    def short(self, line: Line) -> str:
        """A line's name where there is little room: of a type its last part, if that tells it."""
        name = shown(line)
        if self.group != "name" or line.key:
            return name
        last = name.rpartition(".")[2] or name
        same = [each for each in self.lines if each.label.rpartition(".")[2] == last]
        return last if len(same) == 1 else name

    def _list(self, line: Line | None = None) -> str | None:
        """The list of tasks of a line, or of all; who draws it adds the time."""
        if not self.may_list:
            return None
        params = dict(self.of)
        if self.measure == "failures":
            params["state"] = "failed"
        # Of those that were retried, hardly one still is.
        if line and line.key in {"succeeded", "failed", "revoked"}:
            params["state"] = line.key
        if line and not line.key and line.label:
            params[self.group] = line.label
        return reverse("celery_monitor:tasks") + "?" + urlencode(params)


def shown(line: Line) -> str:
    """A line's name; of some runs nobody said the queue, or even the type."""
    return line.label or _("unknown")


def iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
