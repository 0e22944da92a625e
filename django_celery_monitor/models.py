"""The kept history. Rows are written by ``storage`` only; everything else reads."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Task(models.Model):
    """One task, derived from the set of its events (see ``state.derive``).

    Times are the events' own; ``args``, ``kwargs`` and ``result`` are the texts workers send,
    redacted and possibly cut, never the values.
    """

    id = models.CharField(_("id"), primary_key=True, max_length=255)
    name = models.CharField(_("name"), max_length=255, default="")
    # Apps invent states of their own, so there are no choices.
    state = models.CharField(_("state"), max_length=64)
    known_by = models.CharField(_("known by"), max_length=16)
    # The earliest event: it hardly ever changes, so pages stay stable.
    time = models.DateTimeField(_("time"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    received_at = models.DateTimeField(_("received"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    updated_at = models.DateTimeField(_("latest event"))
    eta = models.DateTimeField(_("ETA"), null=True)
    expires = models.DateTimeField(_("expires"), null=True)
    worker = models.CharField(_("worker"), max_length=255, default="")
    queue = models.CharField(_("queue"), max_length=255, default="")
    args = models.TextField(_("arguments"), default="")
    kwargs = models.TextField(_("keyword arguments"), default="")
    result = models.TextField(_("result"), default="")
    exception = models.TextField(_("exception"), default="")
    # Seconds, as the worker measured them.
    runtime = models.FloatField(_("run time"), null=True)
    retries = models.IntegerField(_("retries"), default=0)
    running_again = models.BooleanField(_("running again"), default=False)
    root_id = models.CharField(_("root id"), max_length=255, default="")
    parent_id = models.CharField(_("parent id"), max_length=255, default="")
    # Lower-cased, redacted texts: the one column that text search looks at.
    search = models.TextField(default="")
    # The event set itself, written and read by ``storage.task_events``.
    events = models.TextField(default="")

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-time", "-id")
        permissions = (("view_task_arguments", _("Can view arguments and results of tasks")),)
        indexes = (
            models.Index(fields=["time", "id"], name="dcm_task_time"),
            models.Index(fields=["state", "time"], name="dcm_task_state"),
            models.Index(fields=["name", "time"], name="dcm_task_name"),
            models.Index(fields=["worker", "time"], name="dcm_task_worker"),
            models.Index(fields=["queue", "time"], name="dcm_task_queue"),
            models.Index(fields=["root_id"], name="dcm_task_root"),
            models.Index(fields=["parent_id"], name="dcm_task_parent"),
        )

    def __str__(self) -> str:
        return f"{self.name or '?'} {self.id}"

    @property
    def wait(self) -> timedelta | None:
        """From sending (or its ETA) to start; ``None`` until it started or when never seen sent."""
        begun = self.sent_at or self.received_at
        if begun is None or self.started_at is None:
            return None
        return max(self.started_at - max(begun, self.eta or begun), timedelta())

    @property
    def duration(self) -> timedelta | None:
        """The worker's own measure, else finish minus start."""
        if self.runtime is not None:
            return timedelta(seconds=self.runtime)
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, timedelta())


class TaskError(models.Model):
    """One failure or retry of a task. ``key`` is the event's identity within its task."""

    # Not a foreign key: rows are written in bulk and pruned on their own.
    task_id = models.CharField(_("task"), max_length=255)
    key = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=255, default="")
    worker = models.CharField(_("worker"), max_length=255, default="")
    time = models.DateTimeField(_("time"))
    retry = models.BooleanField(_("retried"), default=False)
    # Another event told the same failure: the worker announces a hard time limit twice.
    duplicate = models.BooleanField(_("duplicate"), default=False)
    type = models.CharField(_("type"), max_length=255)
    message = models.TextField(_("message"))
    traceback = models.TextField(_("traceback"), default="")
    # Equal for errors of one kind: same task, same type, same place in the code.
    fingerprint = models.CharField(_("fingerprint"), max_length=16)

    class Meta:
        verbose_name = _("task error")
        verbose_name_plural = _("task errors")
        ordering = ("-time", "-id")
        constraints = (
            models.UniqueConstraint(fields=["task_id", "key"], name="dcm_taskerror_event"),
        )
        indexes = (
            models.Index(fields=["time"], name="dcm_taskerror_time"),
            models.Index(fields=["fingerprint", "time"], name="dcm_taskerror_kind"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.task_id}"


class Worker(models.Model):
    """What a worker last said of itself. Its state depends on the clock: see ``health``."""

    hostname = models.CharField(_("host name"), primary_key=True, max_length=255)
    first_seen_at = models.DateTimeField(_("first seen"))
    # By this machine's clock; all other times are the worker's own.
    arrived_at = models.DateTimeField(_("last arrival"))
    online_at = models.DateTimeField(_("online"), null=True)
    offline_at = models.DateTimeField(_("offline"), null=True)
    heartbeat_at = models.DateTimeField(_("heartbeat"), null=True)
    event_at = models.DateTimeField(_("latest event"))
    # Seconds between heartbeats; null for a worker that sends none.
    freq = models.FloatField(_("heartbeat interval"), null=True)
    pid = models.IntegerField(_("process id"), null=True)
    active = models.IntegerField(_("active"), null=True)
    processed = models.BigIntegerField(_("processed"), null=True)
    loadavg = models.JSONField(_("load average"), default=list)
    sw_ident = models.CharField(_("software"), max_length=64, default="")
    sw_ver = models.CharField(_("version"), max_length=64, default="")
    sw_sys = models.CharField(_("system"), max_length=64, default="")

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("hostname",)

    def __str__(self) -> str:
        return self.hostname


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
    """Cohort: how many tasks first seen in a minute are in a state now, by name."""

    minute = models.DateTimeField()
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=64)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("task count")
        verbose_name_plural = _("task counts")
        constraints = (
            models.UniqueConstraint(fields=["minute", "name", "state"], name="dcm_taskcount_key"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.state} {self.minute:%Y-%m-%d %H:%M}"


class CollectorRun(models.Model):
    """One subscription of one collector to the broker; a time that none covers is a gap."""

    node = models.CharField(_("node"), max_length=255)
    pid = models.IntegerField(_("process id"))
    transport = models.CharField(_("transport"), max_length=32)
    started_at = models.DateTimeField(_("started"))
    # Renewed while listening, also when no event comes; by the database host's readers' clock.
    last_seen_at = models.DateTimeField(_("last seen"), db_index=True)
    # The latest commit that changed a row; browsers without a channel layer watch it.
    committed_at = models.DateTimeField(_("last change"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    events = models.BigIntegerField(_("events"), default=0)
    bad_events = models.BigIntegerField(_("bad events"), default=0)
    # Seconds between an event's own time and its storing, for the latest batch.
    lag = models.FloatField(_("lag"), null=True)

    class Meta:
        verbose_name = _("collector run")
        verbose_name_plural = _("collector runs")
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.node} {self.pid}"

    def is_listening(self, now: datetime | None = None) -> bool:
        """Whether this run still renews itself (it does every few seconds)."""
        fresh = (now or timezone.now()) - self.last_seen_at < timedelta(seconds=15)
        return self.ended_at is None and fresh


class BadEvent(models.Model):
    """Quarantine: one message or event that could not be stored, and why."""

    arrived_at = models.DateTimeField(_("arrived"), db_index=True)
    reason = models.CharField(_("reason"), max_length=255)
    body = models.TextField(_("content"))

    class Meta:
        verbose_name = _("bad event")
        verbose_name_plural = _("bad events")
        ordering = ("-arrived_at",)

    def __str__(self) -> str:
        return self.reason


class Installation(models.Model):
    """The one row that names this database; the broker queue carries its id.

    Updating it is also how a batch takes SQLite's write lock before it reads.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    uuid = models.UUIDField(default=uuid.uuid4)
    writes = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installations")

    def __str__(self) -> str:
        return str(self.uuid)
