"""Many rows in one statement: insert, or replace the columns of those that exist."""

# Table and column names come from our models, never from input.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Row = Sequence[Any]
_COPY_TYPES: Final = {
    "timestamp with time zone": "timestamptz",
    "double precision": "float8",
    "integer": "int4",
    "bigint": "int8",
    "boolean": "bool",
}


def upsert(
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
    using: str,
) -> None:
    """Write ``rows`` (values of ``columns``), each ``key`` at most once; inside a transaction."""
    if not rows:
        return
    connection = connections[using]
    if connection.vendor == "postgresql" and _has_copy(connection):
        _copy_and_merge(connection, model, columns, key, rows)
    elif connection.vendor in ("sqlite", "mysql"):
        _execute_many(connection, model, columns, key, rows)
    else:
        _create(model, columns, key, rows, using)


def update_each(
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
    using: str,
) -> None:
    """Set ``columns`` of existing rows; a row here is the new values, then its ``key``."""
    quote = connections[using].ops.quote_name
    changes = ", ".join(f"{quote(column)} = %s" for column in columns)
    _execute_each(f"UPDATE {quote(model._meta.db_table)} SET {changes}", key, rows, using)


def delete_each(
    model: type[models.Model], key: Sequence[str], rows: Sequence[Row], using: str
) -> None:
    quote = connections[using].ops.quote_name
    _execute_each(f"DELETE FROM {quote(model._meta.db_table)}", key, rows, using)


def _execute_each(statement: str, key: Sequence[str], rows: Sequence[Row], using: str) -> None:
    if not rows:
        return
    connection = connections[using]
    where = " AND ".join(f"{connection.ops.quote_name(column)} = %s" for column in key)
    with connection.cursor() as cursor:
        cursor.executemany(f"{statement} WHERE {where}", rows)


def _has_copy(connection: BaseDatabaseWrapper) -> bool:
    connection.ensure_connection()
    return hasattr(connection.connection, "adapters")  # psycopg 3; psycopg2 has none


def _merge_clause(columns: Sequence[str], key: Sequence[str], quote: Callable[[str], str]) -> str:
    changes = ", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in columns if c not in key)
    return f"ON CONFLICT ({', '.join(map(quote, key))}) DO UPDATE SET {changes}"


def _mysql_merge_clause(
    columns: Sequence[str], key: Sequence[str], quote: Callable[[str], str]
) -> str:
    """MySQL calls the old spelling deprecated; MariaDB knows no other."""
    changes = ", ".join(f"{quote(c)} = VALUES({quote(c)})" for c in columns if c not in key)
    return f"ON DUPLICATE KEY UPDATE {changes}"


def _copy_and_merge(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Binary COPY into a temporary table, then one statement: several times faster than INSERT."""
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    staging = quote(f"tmp_{model._meta.db_table}")
    # The driver's own cursor raises the driver's own errors.
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS"
            f" AS SELECT {names} FROM {table} WHERE false"
        )
        with cursor.copy(f"COPY {staging} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_copy_types(connection, model, columns))
            write = copy.write_row
            for row in rows:
                write(row)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging}"
            f" ORDER BY {', '.join(map(quote, key))} {_merge_clause(columns, key, quote)}"
        )
        # More batches may follow in the same transaction.
        cursor.execute(f"TRUNCATE {staging}")


def _copy_types(
    connection: BaseDatabaseWrapper, model: type[models.Model], columns: Sequence[str]
) -> list[str]:
    types = [str(model._meta.get_field(column).db_type(connection)) for column in columns]
    return [_COPY_TYPES.get(each, each.partition("(")[0]) for each in types]


def _execute_many(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """One statement for each row on SQLite; MySQL's drivers make few large ones of them."""
    quote = connection.ops.quote_name
    clause = _mysql_merge_clause if connection.vendor == "mysql" else _merge_clause
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"
        f" VALUES ({', '.join(['%s'] * len(columns))}) {clause(columns, key, quote)}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, adapted(connection, rows))


def adapted(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> list[Row]:
    """With times as the database's own cursor takes them."""
    adapt = connection.ops.adapt_datetimefield_value
    return [
        tuple(adapt(each) if isinstance(each, datetime) else each for each in row) for row in rows
    ]


def _create(
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
    using: str,
) -> None:
    """The plain path, for databases without a faster one of ours."""
    objects = [model(**dict(zip(columns, row, strict=True))) for row in rows]
    connection = connections[using]
    target = key if connection.features.supports_update_conflicts_with_target else None
    model._default_manager.using(using).bulk_create(
        objects,
        batch_size=500,
        update_conflicts=True,
        unique_fields=target,
        update_fields=[column for column in columns if column not in key],
    )
