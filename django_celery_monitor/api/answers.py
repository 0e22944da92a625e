"""What operations answer. These classes document; rows are written by hand, for speed."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema


class TaskOut(Schema):
    id: str = Field(description="Celery's task id; Flower calls it uuid. Any text.")
    name: str | None
    state: str = Field(description="Celery's states, LOST, IGNORED, or one that an app invented.")
    known_by: str = Field(description="How the state is known.")
    running_again: bool = Field(description="Delivered again after it had ended.")
    time: datetime = Field(description="Of its earliest event; lists are in this order.")
    sent_at: datetime | None
    received_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime = Field(description="Of its latest event.")
    eta: datetime | None
    expires: datetime | None
    worker: str | None
    queue: str | None
    retries: int
    runtime: float | None = Field(description="Seconds, as the worker measured them.")
    args: str | None = Field(description="The text that workers send, redacted, perhaps cut.")
    kwargs: str | None
    result: str | None
    exception: str | None
    traceback: str | None
    arguments_hidden: bool = Field(
        description="Whether the five fields before are null because the reader may not see them."
    )
    root_id: str | None
    parent_id: str | None


class TaskPage(Schema):
    items: list[TaskOut]
    next: str | None = Field(description="Cursor of older tasks; null at the end.")
    prev: str | None = Field(description="Cursor of newer tasks; null on the newest page.")
    searched_since: datetime | None = Field(
        description="How far back a text search (q) looked; null when it saw everything."
    )


class WaitingOut(Schema):
    id: str
    name: str | None
    time: datetime


class MinuteOut(Schema):
    start: datetime
    succeeded: int
    failed: int
    retried: int
    revoked: int
    running: float = Field(description="Mean number of running tasks.")
    waiting: float = Field(description="Mean number of waiting tasks.")
    p50: float | None = Field(description="Median run time in seconds.")
    p95: float | None
    p99: float | None


class FailureOut(Schema):
    task_id: str
    name: str | None
    worker: str | None
    time: datetime
    type: str
    message: str | None = Field(description="Null when arguments_hidden.")


class HealthsOut(Schema):
    online: int
    late: int
    lost: int


class CollectorOut(Schema):
    listening: bool
    since: datetime | None = Field(description="When listening began or, if not listening, ended.")
    lag: float | None = Field(description="Seconds from the latest stored event to its storing.")


class GapOut(Schema):
    start: datetime
    end: datetime
    reason: str = Field(description="away, queue gone or overflow.")


class OverviewOut(Schema):
    now: datetime
    waiting: int
    running: int
    retrying: int
    at_least: bool = Field(
        description="Whether these three are of the reader's newest 10,000 tasks only."
    )
    oldest_waiting: WaitingOut | None
    last_hour: MinuteOut | None = Field(
        description="Null, as the next, for readers whose tasks are not counted apart."
    )
    finished_per_minute: float | None = Field(description="Over the last five minutes.")
    minutes: list[MinuteOut] = Field(description="Empty where last_hour is null.")
    latest_failures: list[FailureOut]
    arguments_hidden: bool
    workers: HealthsOut | None = Field(description="Null for who may not see workers.")
    collector: CollectorOut
    gaps: list[GapOut] = Field(description="Of the last day: when events may be missing.")


class Problem(Schema):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
