"""Tasks that were sent from here: which is a re-run of which."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Rerun(models.Model):
    """One task that ``control`` sent; written before it is published, so before any event of it."""

    class Status(models.TextChoices):
        # Left like this, the process died on the way: nobody knows whether the broker has it.
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        NOT_SENT = "not_sent", _("not sent")
        UNCLEAR = "unclear", _("unclear")

    # No foreign keys: rows of tasks come late and are pruned on their own.
    task_id = models.CharField(_("task"), max_length=255, unique=True)
    # Empty for a task that is nobody's re-run.
    origin_id = models.CharField(_("re-run of"), max_length=255, default="")
    name = models.CharField(_("name"), max_length=255)
    # Whether it was sent with other arguments or options than its origin.
    changed = models.BooleanField(_("changed"), default=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.SENDING)
    # By the clock of the process that sends.
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        verbose_name = _("re-run")
        verbose_name_plural = _("re-runs")
        ordering = ("-id",)
        default_permissions = ()
        indexes = (
            models.Index(fields=["origin_id", "id"], name="dcm_rerun_origin"),
            models.Index(fields=["sent_at"], name="dcm_rerun_sent"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.task_id}"
