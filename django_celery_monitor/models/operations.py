"""An act on many tasks, carried out by a collector, and what came of each of them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.models.actions import ControlAction


class Operation(models.Model):
    """Begun, stopped and resumed by ``control.operations``; all else is written by ``upkeep``."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        # Somebody wants it to stop; what is being sent is still to be sent.
        STOPPING = "stopping", _("stopping")
        STOPPED = "stopped", _("stopped")
        FINISHED = "finished", _("finished")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Name of an act, and its parameters besides the tasks.
    act = models.CharField(_("act"), max_length=64)
    parameters = models.JSONField(_("parameters"), default=dict)
    # As in the address of a list, with absolute times; empty where tasks were chosen one by one.
    filter = models.TextField(_("filter"), default="")
    # The same for people, redacted.
    said = models.TextField(_("filter in words"), default="")
    # Tasks of a later time are not meant.
    bound = models.DateTimeField(_("up to"))
    # Whose failed items are meant, instead of a filter.
    of = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="again", verbose_name=_("operation before")
    )
    # Not a foreign key: users may be in another database.
    user_id = models.CharField(_("user id"), max_length=255, default="")
    user_name = models.CharField(_("user"), max_length=255)
    # Redacted.
    reason = models.TextField(_("reason"), default="")
    # Seconds between two batches.
    rest = models.FloatField(_("rest"), default=0.0)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    # Of the last batch.
    turned_at = models.DateTimeField(_("last batch"), null=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.QUEUED)
    # Why it stopped, where nobody wanted it to.
    detail = models.TextField(_("detail"), default="")
    # Whether there is an item for every task that is meant, and how far the search for them is.
    collected = models.BooleanField(_("all tasks found"), default=False)
    cursor = models.TextField(_("cursor"), default="")
    matched = models.IntegerField(_("matched"), default=0)
    done = models.IntegerField(_("done"), default=0)
    skipped = models.IntegerField(_("skipped"), default=0)
    failed = models.IntegerField(_("failed"), default=0)
    unclear = models.IntegerField(_("unclear"), default=0)
    # Which collector has it; another one's items "sending" are unclear.
    runner = models.CharField(_("runner"), max_length=64, default="")
    action = models.ForeignKey(
        ControlAction, models.SET_NULL, null=True, related_name="+", verbose_name=_("action")
    )

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ("-created_at", "-id")
        default_permissions = ()
        indexes = (
            models.Index(fields=["created_at", "id"], name="dcm_operation_created"),
            models.Index(fields=["status"], name="dcm_operation_status"),
        )

    def __str__(self) -> str:
        return f"{self.act} {self.user_name}"

    @property
    def treated(self) -> int:
        return self.done + self.skipped + self.failed + self.unclear


class OperationItem(models.Model):
    """One task of an operation."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        # Committed before anything is sent: after a crash nobody knows whether it was.
        SENDING = "sending", _("sending")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        FAILED = "failed", _("failed")
        UNCLEAR = "unclear", _("unclear")

    operation = models.ForeignKey(
        Operation, models.CASCADE, related_name="items", verbose_name=_("operation")
    )
    task_id = models.CharField(_("task id"), max_length=255)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.WAITING)
    # Redacted.
    message = models.CharField(_("message"), max_length=500, default="")
    # Of the task that was sent instead.
    new_id = models.CharField(_("new id"), max_length=36, default="")

    class Meta:
        verbose_name = _("item of an operation")
        verbose_name_plural = _("items of operations")
        ordering = ("id",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["operation", "task_id"], name="dcm_item_task"),
        )
        indexes = (models.Index(fields=["operation", "status", "id"], name="dcm_item_status"),)

    def __str__(self) -> str:
        return f"{self.task_id} {self.status}"
