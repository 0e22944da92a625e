"""What operations on acts answer. These classes document; rows are written by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema


class TargetOut(Schema):
    kind: str = Field(description="task, type, worker or queue.")
    value: str = Field(description="Its id or name; the worker * stands for all.")


class SaidOut(Schema):
    verdict: str = Field(description="done, refused, unclear, nothing or requested.")
    text: str


class ActionOut(Schema):
    id: int | None = Field(description="Null when asking workers could not be recorded.")
    act: str
    user: str
    user_id: str
    reason: str
    targets: list[TargetOut] = Field(description="The first 100.")
    target_count: int
    target_filter: str
    arguments: dict[str, Any] = Field(description="Redacted.")
    source: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str = Field(
        description=(
            "requested, confirmed, partly, refused, nobody_answered, failed, unclear, not_confirmed"
            " or denied."
        )
    )
    detail: str
    repeated: int = Field(description="How often, within an hour, what was denied was tried again.")
    replies: dict[str, SaidOut] = Field(description="By host name.")
    silent: list[str] = Field(description="Workers that should have answered and did not.")


class ToldOut(Schema):
    """What one worker told; never kept."""

    content: Any
    total: int
    hidden: int = Field(description="Entries that the reader may not see.")
    needs: str | None = Field(description="The permission that is missing.")


class DoneOut(ActionOut):
    lasting: str = Field(description="What becomes of it when a worker restarts.")
    told: dict[str, ToldOut] = Field(description="By host name, of acts that only ask.")


class ActionPage(Schema):
    items: list[ActionOut]
    next: str | None = Field(description="Cursor of older acts; null at the end.")
