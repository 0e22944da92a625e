"""What a batch changes in the counts."""

from __future__ import annotations

from typing import Any

from django_celery_monitor.models import TaskStats
from django_celery_monitor.state.contributions import (
    Cohort,
    Flow,
    cohort,
    ended,
    flows,
    flows_between,
)
from django_celery_monitor.state.derive import Facts
from django_celery_monitor.storage import cohorts
from django_celery_monitor.storage import flows as stats
from django_celery_monitor.storage.flows import PERIODS, Sums

_NAME, _WORKER, _QUEUE = TaskStats.Grain.values


class Tally:
    """Signed contributions of a batch: what its tasks add now, less what they added before."""

    def __init__(self) -> None:
        # By minute, name, worker and queue; added up by each of the three when the batch is done.
        self._flows: dict[tuple[Any, ...], Sums] = {}
        self._cohorts: dict[Cohort, int] = {}

    def move(self, old: Facts, facts: Facts) -> None:
        """Count a task out as it was and in as it is."""
        before, now = cohort(old), cohort(facts)
        if now != before:
            self._cohorts[before] = self._cohorts.get(before, 0) - 1
            self._cohorts[now] = self._cohorts.get(now, 0) + 1
        gone, come = flows_between(old, facts)
        self._add(gone, -1)
        self._add(come, 1)

    def go_on(self, old: Facts, facts: Facts) -> None:
        """The same for the usual next events of a task (see ``state.advance``)."""
        before = cohort(old)
        now = Cohort(before.minute, before.name, facts.state)
        self._cohorts[before] = self._cohorts.get(before, 0) - 1
        self._cohorts[now] = self._cohorts.get(now, 0) + 1
        if not old.runs:
            self._add(flows(facts), 1)
        elif facts.runs[0].outcome:
            self._add([ended(facts, facts.runs[0])], 1)

    def add_cohort(self, facts: Facts) -> None:
        now = cohort(facts)
        self._cohorts[now] = self._cohorts.get(now, 0) + 1

    def add_flows(self, facts: Facts) -> None:
        self._add(flows(facts), 1)

    def _add(self, found: list[Flow], sign: int) -> None:
        for flow in found:
            place = flow[:4]
            sums = self._flows.get(place)
            if sums is None:
                sums = self._flows[place] = Sums()
            sums.count(flow, sign)

    def save(self, using: str, latest: stats.Latest) -> None:
        stats.add(self.by_row(), using, latest)
        cohorts.add(self._cohorts, using)

    def by_row(self) -> dict[stats.Key, Sums]:
        """The flows added up for each row of ``TaskStats``."""
        minutes: dict[tuple[str, int, str], Sums] = {}
        for (minute, *labels), sums in self._flows.items():
            for grain, label in zip((_NAME, _WORKER, _QUEUE), labels, strict=True):
                minutes.setdefault((grain, minute, label), Sums()).add(sums)
        changes: dict[stats.Key, Sums] = {}
        for (grain, minute, label), sums in minutes.items():
            # A later event of a task that was counted before often changes nothing here.
            if sums.are_zero():
                continue
            for period, seconds in PERIODS.items():
                key = (period, grain, minute // seconds * seconds, label)
                known = changes.get(key)
                # Mostly one minute: then its hour and day share its sums, which nobody changes.
                changes[key] = sums if known is None else known.plus(sums)
        return changes
