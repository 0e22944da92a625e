"""Counts of what happened, and of where tasks stand."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskStats(models.Model):
    """Flow: what happened in one minute, hour or day, by name, by worker and by queue.

    The three grains are separate (never their product). ``label`` is the task name, the worker's
    host name or the queue. Sums are microseconds; ``*_bins`` are sketches (see ``state.sketch``).
    """

    class Period(models.TextChoices):
        MINUTE = "m", _("minute")
        HOUR = "h", _("hour")
        DAY = "d", _("day")

    class Grain(models.TextChoices):
        NAME = "n", _("task name")
        WORKER = "w", _("worker")
        QUEUE = "q", _("queue")

    period = models.CharField(max_length=1, choices=Period)
    grain = models.CharField(max_length=1, choices=Grain)
    start = models.DateTimeField()
    label = models.CharField(max_length=255)
    received = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    revoked = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    runtime_us = models.BigIntegerField(default=0)
    wait_us = models.BigIntegerField(default=0)
    runtime_bins = models.TextField(default="{}")
    wait_bins = models.TextField(default="{}")

    class Meta:
        verbose_name = _("task statistics")
        verbose_name_plural = _("task statistics")
        constraints = (
            models.UniqueConstraint(
                fields=["period", "grain", "start", "label"], name="dcm_taskstats_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.label} {self.start:%Y-%m-%d %H:%M}"


class TaskCount(models.Model):
    """Cohort: how many tasks first seen in a period are in a state now, by name.

    The periods hold the same tasks: each counts in its minute, hour and day, and in the one row of
    all times, which starts with the epoch.
    """

    class Period(models.TextChoices):
        MINUTE = "m", _("minute")
        HOUR = "h", _("hour")
        DAY = "d", _("day")
        EVER = "e", _("all times")

    period = models.CharField(max_length=1, choices=Period)
    start = models.DateTimeField()
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=64)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("task count")
        verbose_name_plural = _("task counts")
        constraints = (
            models.UniqueConstraint(
                fields=["period", "start", "name", "state"], name="dcm_taskcount_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.state} {self.period} {self.start:%Y-%m-%d %H:%M}"


class TaskTotals(models.Model):
    """How many events of each type were ever stored, each once; never falls.

    The four grains are separate. ``label`` is empty, the worker's host name, the queue, or the
    type of the exception (which only failures and retries have).
    """

    class Grain(models.TextChoices):
        NAME = "n", _("task name")
        WORKER = "w", _("worker")
        QUEUE = "q", _("queue")
        EXCEPTION = "x", _("exception")

    grain = models.CharField(max_length=1, choices=Grain)
    name = models.CharField(max_length=255)
    label = models.CharField(max_length=255, default="")
    sent = models.BigIntegerField(default=0)
    received = models.BigIntegerField(default=0)
    started = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    revoked = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("task totals")
        verbose_name_plural = _("task totals")
        constraints = (
            models.UniqueConstraint(fields=["grain", "name", "label"], name="dcm_tasktotals_key"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()
