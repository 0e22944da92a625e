"""The collectors, what they could not store, and the database they share."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


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
    # Why: "stopped", "connection lost" ...; empty of one that was killed.
    ended_by = models.CharField(_("ended by"), max_length=32, default="")
    events = models.BigIntegerField(_("events"), default=0)
    bad_events = models.BigIntegerField(_("bad events"), default=0)
    # Events of tasks that retention had deleted already.
    late_events = models.BigIntegerField(_("late events"), default=0)
    # Seconds between an event's own time and its storing, for the latest batch.
    lag = models.FloatField(_("lag"), null=True)
    # Over the last minute or so: events a second, and seconds that a batch took on average.
    rate = models.FloatField(_("events per second"), null=True)
    batch_seconds = models.FloatField(_("seconds per batch"), null=True)
    # Messages that wait in the collectors' queue; null where the broker keeps none.
    queue_depth = models.BigIntegerField(_("queue depth"), null=True)

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


class Gap(models.Model):
    """A time of which events may be missing, and why."""

    class Reason(models.TextChoices):
        AWAY = "away", _("no collector was listening")
        QUEUE_GONE = "queue gone", _("the broker deleted the queue")
        OVERFLOW = "overflow", _("the queue was full")

    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("to"))
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    transport = models.CharField(_("transport"), max_length=32)

    class Meta:
        verbose_name = _("gap")
        verbose_name_plural = _("gaps")
        ordering = ("-started_at",)
        constraints = (
            models.UniqueConstraint(fields=["started_at", "reason"], name="dcm_gap_key"),
        )

    def __str__(self) -> str:
        return f"{self.reason} {self.started_at:%Y-%m-%d %H:%M:%S}"


class BadEvent(models.Model):
    """Quarantine: one message or event that could not be stored, and why."""

    arrived_at = models.DateTimeField(_("arrived"), db_index=True)
    reason = models.CharField(_("reason"), max_length=255)
    body = models.TextField(_("content"))
    # Cut texts cannot be replayed.
    whole = models.BooleanField(_("whole"), default=False)

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
    # Those of them that may have changed tasks or their counts: see ``storage.lock``.
    batches = models.BigIntegerField(default=0)
    # Retention has deleted tasks up to this time: older events of unknown tasks come too late.
    pruned_before = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installations")
        permissions = (("manage_token", _("Can manage tokens of the API")),)

    def __str__(self) -> str:
        return str(self.uuid)


class Lease(models.Model):
    """Who does a piece of upkeep, so that of several collectors one does it at a time."""

    name = models.CharField(primary_key=True, max_length=64)
    holder = models.CharField(max_length=255)
    # By the database's clock.
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return f"{self.name} {self.holder}"
