"""Adds to the numbers of many rows in one statement, unread; a row that is missing is made."""

# Table and column names come from our models, never from input.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from django_celery_monitor.storage.bulk import adapted, upsert

Row = Sequence[Any]


def add(
    model: type[models.Model],
    key: Sequence[str],
    sums: Sequence[str],
    rows: Sequence[Row],
    using: str,
) -> None:
    """``rows``: the values of ``key``, each key once, then what to add to ``sums``."""
    if not rows:
        return
    connection = connections[using]
    table = connection.ops.quote_name(model._meta.db_table)
    names = [connection.ops.quote_name(column) for column in (*key, *sums)]
    insert = f"INSERT INTO {table} ({', '.join(names)})"
    keys, numbers = names[: len(key)], names[len(key) :]
    values = f"VALUES ({', '.join(['%s'] * len(names))})"
    excluded = ", ".join(f"{each} = {table}.{each} + excluded.{each}" for each in numbers)
    conflict = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {excluded}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One value for the driver to send, whatever the number of rows.
            fields = [
                f"(row->>{index})::{_json_type(connection, model, column)}"
                for index, column in enumerate((*key, *sums))
            ]
            select = f"SELECT {', '.join(fields)} FROM jsonb_array_elements(%s::jsonb) AS row"
            cursor.execute(f"{insert} {select} {conflict}", [orjson.dumps(rows).decode()])
        elif connection.vendor == "sqlite":
            cursor.executemany(f"{insert} {values} {conflict}", adapted(connection, rows))
        elif connection.vendor == "mysql":
            added = ", ".join(f"{each} = {each} + VALUES({each})" for each in numbers)
            statement = f"{insert} {values} ON DUPLICATE KEY UPDATE {added}"
            cursor.executemany(statement, adapted(connection, rows))
        else:
            _read_and_write(model, key, sums, rows, using)


def _json_type(connection: BaseDatabaseWrapper, model: type[models.Model], column: str) -> str:
    """What a text in JSON is cast to; of no length, for that would cut it without a word."""
    return str(model._meta.get_field(column).db_type(connection)).partition("(")[0]


def _read_and_write(
    model: type[models.Model],
    key: Sequence[str],
    sums: Sequence[str],
    rows: Sequence[Row],
    using: str,
) -> None:
    """The plain path; the writer lock keeps others from adding in between."""
    wanted = {f"{column}__in": {row[place] for row in rows} for place, column in enumerate(key)}
    found = model._default_manager.using(using).filter(**wanted).values_list(*key, *sums)
    stored = {each[: len(key)]: each[len(key) :] for each in found}
    nothing = (0,) * len(sums)
    totals = [
        (
            *row[: len(key)],
            *map(sum, zip(row[len(key) :], stored.get(row[: len(key)], nothing), strict=True)),
        )
        for row in rows
    ]
    upsert(model, (*key, *sums), key, totals, using)
