"""Corners of the servers for one measurement, empty before and gone after."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import redis
from psycopg.sql import SQL, Identifier

from tests.servers.postgresql import POSTGRESQL
from tests.servers.rabbitmq import MANAGEMENT, RABBITMQ
from tests.servers.redis import REDIS

MARK = "celery-monitor-benchmark"


def server(variable: str) -> str:
    """The address in the environment; ``SystemExit`` says how to get one."""
    try:
        return os.environ[variable]
    except KeyError:
        raise SystemExit(
            f"{variable} is not set: run `python -m tests.servers -- python -m benchmarks.drain`"
        ) from None


@contextmanager
def redis_database() -> Iterator[str]:
    """The last database that holds no keys; a key marks it as taken meanwhile."""
    base = server(REDIS.variable).rpartition("/")[0]
    with redis.Redis.from_url(f"{base}/0") as client:
        count = int(client.config_get("databases")["databases"])
    for number in reversed(range(count)):
        with redis.Redis.from_url(f"{base}/{number}") as client:
            if client.dbsize() == 0:
                client.set(MARK, "", ex=3600)
                yield f"{base}/{number}"
                client.flushdb()
                return
    raise SystemExit("Every database of the Redis server holds keys")


@contextmanager
def virtual_host() -> Iterator[str]:
    url = urlsplit(server(RABBITMQ.variable))
    name = f"benchmark-{uuid4().hex[:12]}"
    _manage("PUT", f"vhosts/{name}", b"")
    try:
        rights = b'{"configure": ".*", "write": ".*", "read": ".*"}'
        _manage("PUT", f"permissions/{name}/{quote(url.username or '', safe='')}", rights)
        yield url._replace(path=f"/{name}").geturl()
    finally:
        _manage("DELETE", f"vhosts/{name}", b"")


def _manage(method: str, path: str, body: bytes) -> None:
    url = urlsplit(server(MANAGEMENT))
    login = b64encode(f"{url.username}:{url.password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    address = f"http://{url.hostname}:{url.port}/api/{path}"
    urlopen(Request(address, body, headers, method=method), timeout=30).close()


@contextmanager
def postgresql_database() -> Iterator[str]:
    url = server(POSTGRESQL.variable)
    name = f"benchmark_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


BROKERS = {"redis": redis_database, "rabbitmq": virtual_host}
