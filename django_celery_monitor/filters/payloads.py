"""The recorder's JSON among a task's events, read by the database: a row is not to be fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import F, Func, TextField

# How ``storage.task_events`` keeps it: each event is a list, its sixth part what only it says.
KEPT: Final = '"l":'
_SQLITE: Final = """(
    SELECT CASE WHEN json_valid(said) THEN said END FROM (
        SELECT json_extract(value, '$[5].l') AS said FROM json_each(
            CASE WHEN substr(%(expressions)s, 1, 2) = '[[' THEN %(expressions)s ELSE '[]' END
        )
    ) WHERE said IS NOT NULL LIMIT 1
)"""
# PostgreSQL refuses to read what says NUL, half a character or NaN, or is nested without end. And
# without an offset it reads a value anew for each use.
_POSTGRESQL: Final = r"""(
    SELECT CASE WHEN
        strpos(said, '\u0000') = 0 AND strpos(said, 'NaN') = 0 AND strpos(said, 'Infinity') = 0
        AND (strpos(lower(said), '\ud') = 0 OR regexp_replace(
            said, '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g'
        ) !~ '\\u[dD][89a-fA-F]')
        AND length(translate(said, '[{', '')) > length(said) - 2000
    THEN said END FROM (
        SELECT value->5->>'l' AS said FROM json_array_elements(
            CASE WHEN left(%(expressions)s, 2) = '[[' THEN %(expressions)s ELSE '[]' END::json
        ) AS event (value)
        OFFSET 0
    ) AS told WHERE said IS NOT NULL LIMIT 1
)"""
_MYSQL_SAID: Final = """JSON_UNQUOTE(JSON_EXTRACT(JSON_EXTRACT(
    CASE WHEN LEFT(%(expressions)s, 2) = '[[' THEN %(expressions)s ELSE '[]' END, '$[*][5].l'
), '$[0]'))"""
_MYSQL: Final = f"(CASE WHEN JSON_VALID({_MYSQL_SAID}) THEN {_MYSQL_SAID} END)"
_AT_SQLITE: Final = """(
    SELECT CASE json_type(said, %s) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
        WHEN 'null' THEN 'null' ELSE CAST(json_extract(said, %s) AS TEXT) END
    FROM (SELECT {said} AS said)
)"""
_AT_POSTGRESQL: Final = """(
    SELECT COALESCE(said #>> %s::text[], (said #> %s::text[])::text)
    FROM (SELECT ({said})::json AS said OFFSET 0) AS whole
)"""
# Else a database's own order decides which letters are the same.
_AT_MYSQL: Final = (
    "(CONVERT(JSON_UNQUOTE(JSON_EXTRACT({said}, %s)) USING utf8mb4) COLLATE utf8mb4_bin)"
)


class Payload(Func):
    """``[args, kwargs]`` as it was published; NULL if that is not known, or is no JSON."""

    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(F("events"))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=_SQLITE)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=_POSTGRESQL)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=_MYSQL)


class At(Func):
    """The value at a path of ``Payload``, as text; NULL if there is none."""

    output_field = TextField()

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__(Payload())
        self.path = tuple(path)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        place = _place(self.path)
        return self._inside(_AT_SQLITE, compiler), (place, place)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        place = list(self.path)
        return self._inside(_AT_POSTGRESQL, compiler), (place, place)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._inside(_AT_MYSQL, compiler), (_place(self.path),)

    def _inside(self, template: str, compiler: Any) -> str:
        said, _no_params = compiler.compile(self.get_source_expressions()[0])
        return template.format(said=said)


def _place(path: Sequence[str]) -> str:
    """As SQLite and MariaDB write paths; a number is a place in a list."""
    return "$" + "".join(f"[{part}]" if part.isdigit() else f".{json.dumps(part)}" for part in path)
