"""Viewers who look at one list hear only of changes that the list shows.

What a list shows is looked up once for all viewers of a process who have the same filter and
rights, and only after something changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.filters import And, FilterError, from_params, is_private, to_params
from django_celery_monitor.live.rights import Rights
from django_celery_monitor.models import Task
from django_celery_monitor.paging import page, position_of

LONGEST: Final = 2_000
# Different lists in one process.
MOST: Final = 200

# Task id to what makes its row another one.
Rows = dict[str, tuple[datetime, str]]


class Look:
    """What one list shows; asks the database at most every ``every`` seconds.

    A list that takes long to find is asked for less often, so that it takes a tenth of the time.
    """

    every: ClassVar[float] = 0.25
    price: ClassVar[int] = 10

    def __init__(self) -> None:
        self.ask: Callable[[], Rows] = dict
        self.viewers = 0
        self._rows: Rows = {}
        self._revision = -1
        self._due = 0.0
        self._turn = asyncio.Lock()

    async def at(self, revision: int) -> Rows:
        """The rows as of a revision, or later; raises what the database raises."""
        async with self._turn:
            if self._revision != revision:
                clock = asyncio.get_running_loop().time
                await asyncio.sleep(max(self._due - clock(), 0.0))
                begun = clock()
                self._rows = await database_sync_to_async(self.ask)()
                self._revision = revision
                self._due = clock() + max(self.every, (clock() - begun) * self.price)
            return self._rows


@dataclass(slots=True)
class Subscription:
    """One viewer's list; ``told``: the rows it was last told of, ``None`` before the first."""

    query: str
    look: Look
    told: Rows | None = None

    async def news(self, revision: int) -> set[str] | None:
        """The tasks whose rows came, went or changed; ``None``: nobody knows which."""
        rows, told = await self.look.at(revision), self.told
        self.told = rows
        if told is None:
            return None
        return {each for each in {*rows, *told} if rows.get(each) != told.get(each)}


@dataclass(frozen=True, slots=True)
class _List:
    expression: And
    cursor: str
    rights: Rights = field(repr=False)

    def rows(self) -> Rows:
        tasks = Task.objects.only("id", "time", "state", "updated_at")
        found = page(get_policy().visible(self.rights.reader, tasks), self.expression, self.cursor)
        return {task.id: (task.updated_at, task.state) for task in found.items}


_looks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Look]] = WeakKeyDictionary()


@contextmanager
def subscribed(query: str, rights: Rights) -> Iterator[Subscription]:
    """To the list at an address's query string; raises ``FilterError``, which says why not."""
    wanted = _understood(query, rights)
    # Where a policy hides nothing, what is shown depends on the filter only.
    who = "" if rights.names else repr(rights.reader.pk)
    key = repr((to_params(wanted.expression).urlencode(), wanted.cursor, who))
    looks = _looks.setdefault(asyncio.get_running_loop(), {})
    if key not in looks and len(looks) >= MOST:
        raise FilterError(_("Too many different lists are being watched."))
    look = looks.setdefault(key, Look())
    # Of one reader's rights the latest that were looked at.
    look.ask = wanted.rows
    look.viewers += 1
    try:
        yield Subscription(query, look)
    finally:
        look.viewers -= 1
        if not look.viewers:
            looks.pop(key, None)


def _understood(query: str, rights: Rights) -> _List:
    if len(query) > LONGEST:
        raise FilterError(_("The filter is longer than %(n)d characters.") % {"n": LONGEST})
    try:
        params = QueryDict(query)
    except TooManyFieldsSent as error:
        raise FilterError(_("This is no query string.")) from error
    expression = from_params(params)
    if not rights.tasks or (is_private(expression) and not rights.arguments):
        raise FilterError(_("Your account lacks the right to see this."))
    cursor = params.get("cursor", "")
    position_of(cursor)
    return _List(expression, cursor, rights)
