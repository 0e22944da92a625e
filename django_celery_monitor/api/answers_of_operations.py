"""What operations answer. These classes document; rows are written by hand."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ninja import Field, Schema


class GroupOut(Schema):
    status: str = Field(description="failed, unclear or skipped.")
    message: str
    number: int
    ids: list[str] = Field(description="Some of the tasks.")


class OperationItemOut(Schema):
    id: UUID
    act: str
    user: str
    reason: str
    filter: str = Field(description="In words, redacted; empty where ids were given.")
    of: UUID | None = Field(description="The operation whose failed items these are.")
    bound: datetime = Field(description="Tasks of a later time are not meant.")
    rest: float = Field(description="Seconds between two batches.")
    status: str = Field(description="queued, running, stopping, stopped or finished.")
    detail: str = Field(description="Why it stopped, where nobody wanted it to.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    matched: int = Field(description="Tasks found so far.")
    done: int
    skipped: int
    failed: int
    unclear: int = Field(description="They may have been sent; never again by themselves.")
    action: int | None = Field(description="Its entry in the audit.")


class OperationOut(OperationItemOut):
    groups: list[GroupOut] = Field(description="What did not go as it should, the most first.")


class OperationPage(Schema):
    items: list[OperationItemOut]
    next: str | None = Field(description="Cursor of older operations; null at the end.")
