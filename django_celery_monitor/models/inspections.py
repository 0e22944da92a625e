"""What workers told when they were asked (``celery inspect``), and who wants to know more."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Inspection(models.Model):
    """One row for each worker: the request for an answer, and the latest answer in short.

    A page that wants to know writes ``wanted_at`` and goes on; a collector asks and clears it.
    """

    hostname = models.CharField(_("host name"), primary_key=True, max_length=255)
    # By the clock of the process that wants to know; null when nobody does.
    wanted_at = models.DateTimeField(_("wanted"), null=True)
    # By the collector's clock, as all that follow.
    asked_at = models.DateTimeField(_("asked"), null=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    # When it was first asked of the times that it has not answered since; null when it did.
    silent_since = models.DateTimeField(_("silent since"), null=True)
    # From its latest answer; null and empty when it did not say.
    started_at = models.DateTimeField(_("started"), null=True)
    pool = models.CharField(_("pool"), max_length=64, default="")
    concurrency = models.IntegerField(_("concurrency"), null=True)
    # Names of the queues that it takes tasks from.
    queues = models.JSONField(_("queues"), null=True)

    class Meta:
        verbose_name = _("inspection")
        verbose_name_plural = _("inspections")
        ordering = ("hostname",)
        indexes = (models.Index(fields=["wanted_at"], name="dcm_inspection_wanted"),)

    def __str__(self) -> str:
        return self.hostname


class WorkerReply(models.Model):
    """The latest answer of a worker to one question, redacted and within limits."""

    class Part(models.TextChoices):
        STATS = "stats", _("statistics")
        QUEUES = "active_queues", _("queues")
        ACTIVE = "active", _("active")
        RESERVED = "reserved", _("reserved")
        SCHEDULED = "scheduled", _("scheduled")
        REVOKED = "revoked", _("revoked")
        REGISTERED = "registered", _("registered")
        CONF = "conf", _("configuration")
        REPORT = "report", _("report")

    worker = models.CharField(_("worker"), max_length=255)
    part = models.CharField(_("part"), max_length=16, choices=Part)
    # By the collector's clock.
    told_at = models.DateTimeField(_("told"))
    # How many entries the worker told; ``content`` may hold fewer.
    total = models.IntegerField(_("entries"))
    content = models.JSONField(_("content"))

    class Meta:
        verbose_name = _("worker reply")
        verbose_name_plural = _("worker replies")
        ordering = ("worker", "part")
        constraints = (
            models.UniqueConstraint(fields=["worker", "part"], name="dcm_workerreply_key"),
        )
        indexes = (models.Index(fields=["told_at"], name="dcm_workerreply_told"),)

    def __str__(self) -> str:
        return f"{self.worker} {self.part}"
