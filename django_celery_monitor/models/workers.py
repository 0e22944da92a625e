"""Workers, what happened to them, and how busy they were."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
    # Seconds that the worker's clock is ahead of the collector's, at its latest arrival.
    clock_offset = models.FloatField(_("clock offset"), null=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("hostname",)
        permissions = (
            ("view_worker_configuration", _("Can view the configuration of workers")),
            ("control_worker", _("Can control workers")),
            ("shutdown_worker", _("Can shut down workers")),
        )

    def __str__(self) -> str:
        return self.hostname


class WorkerEvent(models.Model):
    """When a worker went online or offline, was found lost, or was heard again after that."""

    class Type(models.TextChoices):
        ONLINE = "online", _("online")
        OFFLINE = "offline", _("offline")
        LOST = "lost", _("lost")
        BACK = "back", _("back")

    worker = models.CharField(_("worker"), max_length=255)
    # The worker's own clock; of what we found out ourselves, ours.
    time = models.DateTimeField(_("time"))
    type = models.CharField(_("event"), max_length=16, choices=Type)
    # 0 when nobody knows.
    pid = models.IntegerField(_("process id"), default=0)

    class Meta:
        verbose_name = _("worker event")
        verbose_name_plural = _("worker events")
        ordering = ("-time", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["worker", "time", "type", "pid"], name="dcm_workerevent_key"
            ),
        )
        indexes = (models.Index(fields=["time"], name="dcm_workerevent_time"),)

    def __str__(self) -> str:
        return f"{self.worker} {self.type}"


class WorkerSample(models.Model):
    """What the latest heartbeat in a minute said."""

    worker = models.CharField(_("worker"), max_length=255)
    minute = models.DateTimeField(_("minute"))
    event_at = models.DateTimeField(_("event"))
    active = models.IntegerField(_("active"), null=True)
    # Since the worker process began.
    processed = models.BigIntegerField(_("processed"), null=True)
    # Of the last minute.
    load = models.FloatField(_("load average"), null=True)

    class Meta:
        verbose_name = _("worker sample")
        verbose_name_plural = _("worker samples")
        ordering = ("-minute", "worker")
        constraints = (
            models.UniqueConstraint(fields=["worker", "minute"], name="dcm_workersample_key"),
        )
        indexes = (models.Index(fields=["minute"], name="dcm_workersample_minute"),)

    def __str__(self) -> str:
        return f"{self.worker} {self.minute:%Y-%m-%d %H:%M}"
