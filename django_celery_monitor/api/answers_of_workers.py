"""What operations on workers answer. These classes document; rows are written by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema


class WorkerOut(Schema):
    hostname: str
    health: str = Field(description="online, late, lost, offline or unknown.")
    reason: str = Field(description="Why, in a sentence.")
    silence: float = Field(description="Seconds since anything came from it.")
    per_minute: float = Field(description="Tasks finished per minute, over five minutes.")
    first_seen_at: datetime
    arrived_at: datetime = Field(description="Of its latest event, by the collector's clock.")
    online_at: datetime | None
    offline_at: datetime | None
    heartbeat_at: datetime | None
    freq: float | None = Field(description="Seconds between heartbeats; null if it sends none.")
    pid: int | None
    active: int | None
    processed: int | None
    loadavg: list[float]
    sw_ident: str | None
    sw_ver: str | None
    sw_sys: str | None
    clock_offset: float | None = Field(
        description="Seconds that its clock is ahead of the collector's."
    )
    failed_share: float | None = Field(
        description="Of what finished in this hour and the last, from 0 to 1; null if nothing did."
    )
    started_at: datetime | None
    pool: str | None = Field(description="Null, as the next two, until it was asked and answered.")
    concurrency: int | None
    queues: list[str] | None


class ReplyOut(Schema):
    """What docs/reference/models.md says of WorkerReply, as far as the reader may see it."""

    told_at: datetime
    total: int = Field(description="Entries that the worker told; content may hold fewer.")
    content: Any = Field(description="Null where needs names a permission.")
    hidden: int = Field(description="Entries that the reader may not see.")
    needs: str | None = Field(description="The permission that is missing.")


class WorkerDetailOut(WorkerOut):
    wanted_at: datetime | None = Field(description="Since when a page wants news of it.")
    asked_at: datetime | None
    answered_at: datetime | None
    silent_since: datetime | None = Field(
        description="The first of the times that it was asked and has not answered since."
    )
    replies: dict[str, ReplyOut] = Field(description="By question: stats, active and so on.")


class WorkerPage(Schema):
    items: list[WorkerOut]
    next: str | None = Field(
        description="Cursor of the workers that follow by name; null at the end."
    )
