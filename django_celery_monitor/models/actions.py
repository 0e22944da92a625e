"""What people did to tasks, workers and queues: the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping


class ControlAction(models.Model):
    """One act: who did what to whom and why, and what came of it. Written by ``control``."""

    class Source(models.TextChoices):
        PAGE = "page", _("page")
        ADMIN = "admin", _("admin")
        API = "api", _("API")
        COMMAND = "command", _("command")
        PYTHON = "python", _("Python")
        OPERATION = "operation", _("operation")

    class Outcome(models.TextChoices):
        # Sent, or about to be: nothing has confirmed it yet.
        REQUESTED = "requested", _("requested")
        CONFIRMED = "confirmed", _("confirmed")
        # Some workers confirmed it, others refused.
        PARTLY = "partly", _("partly confirmed")
        REFUSED = "refused", _("refused")
        NOBODY_ANSWERED = "nobody_answered", _("nobody answered")
        # Nothing was sent.
        FAILED = "failed", _("failed")
        # It may have been sent, or what was answered proves nothing.
        UNCLEAR = "unclear", _("unclear")
        # It was sent, and nothing confirmed it within the hour.
        NOT_CONFIRMED = "not_confirmed", _("not confirmed")
        # Somebody tried what they may not.
        DENIED = "denied", _("denied")

    # Not a foreign key: users may be in another database. Empty for the command and for programs.
    user_id = models.CharField(_("user id"), max_length=255, default="")
    # As it was then; of the command, the operating system's user.
    user_name = models.CharField(_("user"), max_length=255)
    reason = models.TextField(_("reason"), default="")
    act = models.CharField(_("act"), max_length=64)
    # How many targets; at most the first hundred have a row.
    target_count = models.IntegerField(_("targets"), default=0)
    # Where targets were chosen by a filter, as in the address of a list.
    target_filter = models.TextField(_("filter"), default="")
    # Redacted, as all that follows.
    arguments = models.JSONField(_("arguments"), default=dict)
    source = models.CharField(_("source"), max_length=16, choices=Source)
    # By the clock of the process that acts.
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome, default=Outcome.REQUESTED
    )
    # In a sentence, where the outcome does not say it all.
    detail = models.TextField(_("detail"), default="")
    # Of what was denied: how often it was tried again within the hour, the last time at its end.
    repeated = models.IntegerField(_("repeated"), default=0)
    # By host name: {"verdict": "done", "text": "pool will grow"}.
    replies = models.JSONField(_("replies"), default=dict)
    # Host names of workers that should have answered.
    silent = models.JSONField(_("did not answer"), default=list)

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("audit")
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["started_at"], name="dcm_action_started"),
            models.Index(fields=["user_name", "id"], name="dcm_action_user"),
            models.Index(fields=["act", "id"], name="dcm_action_act"),
            models.Index(fields=["outcome", "started_at"], name="dcm_action_outcome"),
        )

    # By host name, what workers said when they were asked: only for whoever asked, never stored.
    told: Mapping[str, Any] = {}
    # The same, redacted and as far as the reader may see it, with what is hidden.
    content: Mapping[str, dict[str, Any]] = {}

    def __str__(self) -> str:
        return f"{self.act} {self.user_name}"


class ControlTarget(models.Model):
    """One of the things that an act was meant for."""

    class Kind(models.TextChoices):
        TASK = "task", _("task")
        TYPE = "type", _("task type")
        WORKER = "worker", _("worker")
        QUEUE = "queue", _("queue")

    action = models.ForeignKey(
        ControlAction, models.CASCADE, related_name="targets", verbose_name=_("action")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    value = models.CharField(_("value"), max_length=255)

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ("id",)
        default_permissions = ()
        indexes = (models.Index(fields=["kind", "value", "action"], name="dcm_target_value"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
