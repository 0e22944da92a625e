"""The numbers of every chart: one bounded reading of the counts, by outcome or by label."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User
from django_celery_monitor.reading import series_rows as rows
from django_celery_monitor.reading.listening import Listening, listening
from django_celery_monitor.reading.series_colours import hues
from django_celery_monitor.reading.series_gaps import Coverage, Hole, coverage, unknown
from django_celery_monitor.reading.series_rows import Figures, Grain, Table
from django_celery_monitor.reading.series_window import Window
from django_celery_monitor.reading.uncounted import reason, uncounted
from django_celery_monitor.reading.words import OUTCOMES
from django_celery_monitor.state.contributions import OTHER as EXCESS
from django_celery_monitor.upkeep.retention import KEEP_STATS

# Each with its counts and its colour; together they are all runs that ended.
STATES: Final = {
    "succeeded": (("succeeded",), "ok"),
    "retried": (("retried",), "retry"),
    "failed": (("failed", "rejected"), "fail"),
    "revoked": (("revoked",), "revoked"),
}
ENDED: Final = tuple(column for columns, _colour in STATES.values() for column in columns)
QUANTILES: Final = {
    "p50": (0.50, "ok"),
    "p75": (0.75, "wait"),
    "p95": (0.95, "run"),
    "p99": (0.99, "revoked"),
    "max": (1.0, "lost"),
}
Sketches = tuple[str, ...]
Value = Callable[[Figures], float | None]
# What counts are kept by, as the addresses of charts and lists call it.
GRAINS: Final = {"name": Grain.NAME, "queue": Grain.QUEUE, "worker": Grain.WORKER}
# The rest of the labels; a name of ours that no line of a label can have.
OTHER: Final = "other"
# What a measure sums up to rank labels, and the sketch it has, if it is a duration.
MEASURES: Final = {
    "throughput": (ENDED, ""),
    "failures": (("failed", "rejected"), ""),
    "runtime": (("runtime_us",), "runtime_bins"),
    "wait": (("wait_us",), "wait_bins"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``values`` by step: ``None`` where nothing is known, or nothing ran that took time.

    ``key`` is an outcome, a percentile or ``OTHER``; for a line of a label it is empty.
    """

    key: str
    label: str
    colour: str
    values: tuple[float | None, ...]
    whole: float | None


class Reading:
    """What ``user`` may know of a window, or of one label in it (``of``); read when asked for."""

    def __init__(
        self,
        user: User,
        window: Window,
        now: datetime,
        of: tuple[Grain, str] | None = None,
        heard: Listening | None = None,
        sketches: Sketches = rows.SKETCHES,
    ) -> None:
        self.heard = heard
        self.sketches = sketches
        self.user = user
        self.window = window
        self.now = now
        self.of = of
        self._tops: dict[tuple[Grain, tuple[str, ...]], list[str]] = {}
        self._tables: dict[tuple[Grain, frozenset[str], Sketches], Table] = {}

    @cached_property
    def table(self) -> Table:
        """Everything, by the labels that sum it up with fewest rows."""
        if self.of:
            return self._read(self.of[0], [self.of[1]], self.sketches)
        return self._read(rows.total_grain(self.user), None, self.sketches)

    @cached_property
    def total(self) -> dict[int, Figures]:
        return rows.summed(self.table)

    @cached_property
    def coverage(self) -> Coverage:
        heard = self.heard or listening(self.now)
        return coverage(self.window.before.start, self.now, heard)

    @cached_property
    def holes(self) -> list[Hole]:
        grain = self.of[0] if self.of else rows.total_grain(self.user)
        if grain in uncounted(self.user):
            return [Hole(self.window.start, self.window.end, reason())]
        return self.coverage.holes(self.window, self.known_from)

    @property
    def known_from(self) -> datetime | None:
        """The first step that anything was counted in."""
        counted = min(self.total, default=None)
        return None if counted is None else self.window.start + counted * self.window.step

    @cached_property
    def before(self) -> Reading:
        """The stretch of the same length before, to compare with."""
        waits = ("wait_bins",)
        return Reading(self.user, self.window.before, self.now, self.of, self.heard, waits)

    @cached_property
    def knows_before(self) -> bool:
        """Whether the stretch before was recorded whole, and is still kept."""
        before = self.before
        kept = self.now - before.window.start < KEEP_STATS[before.window.period]
        return kept and not self.coverage.holes(before.window, before.known_from)

    @cached_property
    def by_queue(self) -> Table:
        """Everything by queue, as far as the reader may see that."""
        if not self.of and rows.total_grain(self.user) is Grain.QUEUE:
            return self.table
        return self._read(Grain.QUEUE, None, self.sketches)

    @cached_property
    def _unknown(self) -> set[int]:
        return unknown(self.window, self.holes) - set(self.total)

    def top(self, grain: Grain, ranked: tuple[str, ...]) -> list[str]:
        """The labels with the highest sums of some counts, highest first."""
        if (grain, ranked) not in self._tops:
            self._tops[grain, ranked] = rows.top(self.user, self.window, grain, ranked)
        return self._tops[grain, ranked]

    def labels(self, grain: Grain, labels: Iterable[str], sketches: Sketches = ()) -> Table:
        """The counts of some labels, and the sketches that are needed."""
        key = grain, frozenset(labels), sketches
        if key not in self._tables:
            self._tables[key] = self._read(grain, key[1], sketches)
        return self._tables[key]

    def _read(self, grain: Grain, labels: Iterable[str] | None, sketches: Sketches) -> Table:
        return rows.read(self.user, self.window, grain, labels, sketches)

    def lines(self, measure: str, group: str = "", percentile: str = "p95") -> list[Line]:
        """The lines of a chart: by outcome or as percentiles, or the top labels and the rest."""
        ranked, sketch = MEASURES[measure]
        if not group and sketch:
            return [
                self._line(key, key, colour, self.total, _quantile(sketch, q))
                for key, (q, colour) in QUANTILES.items()
            ]
        if not group:
            return [
                self._line(key, str(OUTCOMES[key]), colour, self.total, _sum(columns))
                for key, (columns, colour) in STATES.items()
                if measure == "throughput" or key == "failed"
            ]
        value = _quantile(sketch, QUANTILES[percentile][0]) if sketch else _sum(ranked)
        return self._by_label(GRAINS[group], ranked, (sketch,) if sketch else (), value)

    def _by_label(
        self, grain: Grain, ranked: tuple[str, ...], sketches: Sketches, value: Value
    ) -> list[Line]:
        labels = self.top(grain, ranked)
        table = dict(self.labels(grain, [*labels, EXCESS], sketches))
        # What is remembered may be a little older than the total: no rest comes of that alone.
        complete = EXCESS not in table and 0 < len(labels) < rows.TOP
        table.pop(EXCESS, None)
        colours = hues(labels)
        found = [
            self._line("", label, colours[label], table.get(label, {}), value) for label in labels
        ]
        rest = _rest(self.total, table)
        if not complete and any(figures.sum(ranked) for figures in rest.values()):
            found.append(self._line(OTHER, _("other"), "wait", rest, value))
        return found

    def _line(
        self, key: str, label: str, colour: str, steps: dict[int, Figures], value: Value
    ) -> Line:
        nothing = Figures()
        values = tuple(
            None if step in self._unknown else value(steps.get(step, nothing))
            for step in range(len(self.window))
        )
        known = any(each is not None for each in values)
        whole = value(self._whole(steps)) if known else None
        return Line(key=key, label=label, colour=colour, values=values, whole=whole)

    def _whole(self, steps: dict[int, Figures]) -> Figures:
        return self._total_whole if steps is self.total else rows.all_of(steps.values())

    @cached_property
    def _total_whole(self) -> Figures:
        return rows.all_of(self.total.values())


def _quantile(sketch: str, q: float) -> Value:
    return lambda figures: figures.quantile(sketch, q)


def _sum(columns: tuple[str, ...]) -> Value:
    return lambda figures: figures.sum(columns)


def _rest(total: dict[int, Figures], table: Table) -> dict[int, Figures]:
    """The total without the labels that have a line of their own."""
    shown = rows.summed(table)
    return {step: figures.less(shown.get(step)) for step, figures in total.items()}
