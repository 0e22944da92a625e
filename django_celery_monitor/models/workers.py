"""Workers."""

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

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("hostname",)

    def __str__(self) -> str:
        return self.hostname
