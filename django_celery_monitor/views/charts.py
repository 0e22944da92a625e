"""The charts of a page, as its address asks for them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import VIEW_TASK, VIEW_WORKER, get_policy
from django_celery_monitor.filters import FilterError
from django_celery_monitor.reading import series_rows
from django_celery_monitor.reading.listening import Listening
from django_celery_monitor.reading.samples import SAMPLED, Sample, forgotten, sample_lines, samples
from django_celery_monitor.reading.series import GRAINS, QUANTILES, Reading
from django_celery_monitor.reading.series_window import RANGES, window_of
from django_celery_monitor.reading.words import FILTERS
from django_celery_monitor.views.chart import Chart
from django_celery_monitor.views.links import Link

RIGHT: Final = {"codename": f"django_celery_monitor.{VIEW_WORKER}"}


class Charts:
    """All charts of one page, which share range and grouping; each is read when it is included.

    ``of``: a field of the filters and its value, such as ``("worker", "celery@a")``. ``heard``:
    what ``listening`` said, if it was asked already. Raises ``FilterError`` for an address that
    asks for what there is not.
    """

    def __init__(
        self,
        request: HttpRequest,
        now: datetime,
        of: tuple[str, str] | None = None,
        heard: Listening | None = None,
    ) -> None:
        self.request = request
        self.of = of
        self.asked = _one_of(request, "group", ("", *GRAINS))
        self.percentile = _one_of(request, "percentile", tuple(QUANTILES)) or "p95"
        self.may_see_workers = get_policy().can(request.user, VIEW_WORKER)
        if "worker" in (self.asked, of and of[0]) and not self.may_see_workers:
            raise PermissionDenied(_("Workers need a right of their own: %(codename)s.") % RIGHT)
        grain = GRAINS[of[0]] if of else series_rows.total_grain(request.user)
        labels = 1 if of else series_rows.labels_at(request.user, grain, now)
        self.window = window_of(request.GET.dict(), now, labels)
        chosen = (grain, of[1]) if of else None
        self.reading = Reading(request.user, self.window, now, chosen, heard)

    @property
    def group(self) -> str:
        """What lines stand for: counts of one label cannot be split by another."""
        return "" if self.of else self.asked

    @cached_property
    def throughput(self) -> Chart:
        return self.chart("throughput", self.group)

    @cached_property
    def failures(self) -> Chart:
        """By type where nothing else is chosen: how many failed, the throughput says already."""
        return self.chart("failures", self.group or ("" if self.of else "name"))

    @cached_property
    def runtime(self) -> Chart:
        return self.chart("runtime", self.group)

    @cached_property
    def wait(self) -> Chart:
        return self.chart("wait", self.group)

    @cached_property
    def active(self) -> Chart:
        """This one and the next two are of one worker only."""
        return self.chart("active", "")

    @cached_property
    def load(self) -> Chart:
        return self.chart("load", "")

    @cached_property
    def processed(self) -> Chart:
        return self.chart("processed", "")

    def chart(self, measure: str, group: str) -> Chart:
        if measure in SAMPLED:
            lines = sample_lines(self._samples, measure, self.window)
            holes = [*forgotten(self.window, self.reading.now), *self.reading.holes]
        else:
            lines = self.reading.lines(measure, group, self.percentile)
            holes = self.reading.holes
        return Chart(
            measure=measure,
            group=group,
            percentile=self.percentile,
            of=dict([self.of] if self.of else []),
            may_list=get_policy().can(self.request.user, VIEW_TASK),
            window=self.window,
            lines=lines,
            holes=holes,
        )

    @cached_property
    def _samples(self) -> list[Sample]:
        field, hostname = self.of or ("", "")
        if field != "worker":
            raise FilterError(_("Only a worker has these: say which."))
        return samples(self.request.user, hostname, self.window, self.reading.now)

    @property
    def ranges(self) -> list[Link]:
        return [
            Link(label=key, url=self._here(range=key), current=key == self.window.key)
            for key in RANGES
        ]

    @property
    def groups(self) -> list[Link]:
        """The ways to split; none for the charts of one label."""
        if self.of:
            return []
        every = {"": _("Outcome"), **{key: str(FILTERS[key]) for key in GRAINS}}
        return [
            Link(label=label, url=self._here(group=key), current=key == self.group)
            for key, label in every.items()
            if key != "worker" or self.may_see_workers
        ]

    @property
    def percentiles(self) -> list[Link]:
        """Which percentile lines of labels show; none where there are lines for each."""
        if not self.group:
            return []
        return [
            Link(label=key, url=self._here(percentile=key), current=key == self.percentile)
            for key in QUANTILES
        ]

    @property
    def refused(self) -> str:
        """Why the charts are not split as the address asks; empty when they are."""
        return cannot_split(self.of[0], self.asked) if self.of and self.asked else ""

    def _here(self, **values: str) -> str:
        """The page with one thing changed."""
        params: dict[str, list[str]] = dict(self.request.GET.lists())
        for key in (*values, *(("from", "to") if "range" in values else ())):
            params.pop(key, None)
        params |= {key: [value] for key, value in values.items() if value}
        text = urlencode(params, doseq=True)
        # Right wherever the project is mounted; "?" alone is the page without parameters.
        return f"?{text}"


def cannot_split(field: str, group: str) -> str:
    return _(
        "Counts are kept by type, by queue and by worker, each on its own: what belongs to one "
        "%(field)s cannot be split by %(group)s."
    ) % {"field": str(FILTERS[field]).lower(), "group": str(FILTERS[group]).lower()}


def _one_of(request: HttpRequest, name: str, known: tuple[str, ...]) -> str:
    value = request.GET.get(name, "")
    if value and value not in known:
        raise FilterError(
            _("%(value)s is not a %(name)s: use %(known)s.")
            % {"value": value[:40], "name": name, "known": ", ".join(filter(None, known))}
        )
    return value
