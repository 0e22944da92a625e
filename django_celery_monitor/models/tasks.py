"""Tasks and their errors."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
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
    # Empty for a task that is the root of its family itself, as most are.
    root_id = models.CharField(_("root id"), max_length=255, default="")
    parent_id = models.CharField(_("parent id"), max_length=255, default="")
    # What only the publishing process knows; empty without the recorder.
    group_id = models.CharField(_("group id"), max_length=255, default="")
    priority = models.SmallIntegerField(_("priority"), null=True)
    periodic_name = models.CharField(_("periodic task"), max_length=255, default="")
    origin = models.CharField(_("origin"), max_length=255, default="")
    # Lower-cased, redacted texts: the one column that text search looks at.
    search = models.TextField(default="")
    # The event set itself, written and read by ``storage.task_events``.
    events = models.TextField(default="")

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-time", "-id")
        permissions = (
            ("view_task_arguments", _("Can view arguments and results of tasks")),
            ("retry_task", _("Can retry tasks")),
            ("send_task", _("Can send new tasks")),
            ("revoke_task", _("Can revoke tasks")),
            ("terminate_task", _("Can terminate running tasks")),
            ("purge_queue", _("Can purge queues")),
        )
        indexes = (
            # Without the id, though lists are sorted by it too: few tasks share a time.
            models.Index(fields=["time"], name="dcm_task_time"),
            models.Index(fields=["state", "time"], name="dcm_task_state"),
            models.Index(fields=["name", "time"], name="dcm_task_name"),
            models.Index(fields=["worker", "time"], name="dcm_task_worker"),
            models.Index(fields=["queue", "time"], name="dcm_task_queue"),
            models.Index(fields=["root_id"], name="dcm_task_root"),
            models.Index(fields=["parent_id"], name="dcm_task_parent"),
            models.Index(fields=["group_id"], name="dcm_task_group"),
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
        """The worker's own measure, else finish minus start; ``None`` when no worker ended it."""
        if self.runtime is not None:
            return timedelta(seconds=self.runtime)
        if self.known_by != "worker" or self.started_at is None or self.finished_at is None:
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
            models.Index(fields=["fingerprint", "time"], name="dcm_taskerror_kind"),
            models.Index(fields=["type", "time"], name="dcm_taskerror_type"),
            # By time; and failures by task and kind are counted in the index alone. The time leads,
            # since SQLite is asked for "not retry", which no index finds.
            models.Index(
                fields=["time", "retry", "duplicate", "name", "fingerprint"],
                name="dcm_taskerror_failure",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.task_id}"
