"""Redis as projects really use it: encrypted, behind Sentinel, shared by several of them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from django_celery_monitor.models import CollectorRun, Task
from django_celery_monitor.pipeline import build_collector
from tests.integration.collecting import app_on, collecting, lives, publish, running
from tests.servers.ports import free_ports
from tests.servers.process import answers
from tests.servers.process import running as process
from tests.servers.programs import find_all
from tests.servers.redis import REDIS
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "hunter2hunter2"


def stored(*ids: str) -> bool:
    return set(Task.objects.filter(state="SUCCESS").values_list("id", flat=True)) == set(ids)


@contextmanager
def redis_server(folder: Path, *arguments: str, ready: Any) -> Iterator[None]:
    program = find_all([REDIS])["Redis"]["redis-server"]
    fixed = ["--bind", "127.0.0.1", "--dir", str(folder)]
    log = folder / f"redis-{len(list(folder.iterdir()))}.log"
    with process([program, *arguments, *fixed], log, ready=ready):
        yield


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that nobody else signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "redis.crt", folder / "redis.key"
    paths[0].write_bytes(signed.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a Redis that takes TLS and a password only, and its certificate."""
    signed, key = certificate(tmp_path)
    [port] = free_ports(1)

    def is_up() -> bool:
        try:
            with redis.Redis(
                "127.0.0.1", port, password=PASSWORD, ssl=True, ssl_ca_certs=str(signed)
            ) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    words = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    words += ["--tls-cert-file", str(signed), "--tls-key-file", str(key), "--save", ""]
    words += ["--tls-ca-cert-file", str(signed), "--requirepass", PASSWORD]
    with redis_server(tmp_path, *words, ready=is_up):
        yield f"rediss://:{PASSWORD}@127.0.0.1:{port}/5", signed


def test_redis_over_tls(encrypted: tuple[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "django_celery_monitor")
    url, signed = encrypted
    use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(signed)}
    app = app_on(url, broker_use_ssl=use_ssl)
    with collecting(app):
        publish(app, *lives(["t1"]))
        wait_until(lambda: stored("t1"))
    assert "Listening to rediss://" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_certificate_that_nobody_trusts_is_not_trusted_by_us(
    encrypted: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    app = app_on(encrypted[0], broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED})
    collector = build_collector(app, batch_size=10, flush_interval=0.02)
    with running(collector):
        wait_until(lambda: "No connection to the broker" in caplog.text)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[str]:
    """The address of a Sentinel that knows a Redis as "shop"."""
    server, watcher = free_ports(2)
    up = (server, b"PING\r\n", b"+PONG"), (watcher, b"PING\r\n", b"+PONG")
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {watcher}\nsentinel monitor shop 127.0.0.1 {server} 1\n")
    with (
        redis_server(tmp_path, "--port", str(server), "--save", "", ready=lambda: answers(*up[0])),
        redis_server(tmp_path, str(config), "--sentinel", ready=lambda: answers(*up[1])),
    ):
        yield f"sentinel://127.0.0.1:{watcher}/3"


def test_redis_behind_sentinel(sentinel: str) -> None:
    app = app_on(sentinel, broker_transport_options={"master_name": "shop"})
    with collecting(app):
        publish(app, *lives(["t1"]))
        wait_until(lambda: stored("t1"))
    assert CollectorRun.objects.get().transport == "sentinel"


def neighbour_of(url: str, kind: str) -> tuple[Celery, Celery]:
    """Two apps on one Redis that must not hear of each other."""
    options = {"global_keyprefix": "shop."}
    if kind == "prefix":
        return app_on(url, broker_transport_options=options), app_on(url)
    server, _slash, database = url.rpartition("/")
    return app_on(url), app_on(f"{server}/{int(database) ^ 1}")


@pytest.mark.parametrize("kind", ["prefix", "database"])
def test_two_projects_on_one_redis_do_not_mix(redis_url: str, kind: str) -> None:
    ours, theirs = neighbour_of(redis_url, kind)
    with collecting(ours):
        publish(theirs, *lives(["theirs"]))
        publish(ours, *lives(["ours"]))
        wait_until(lambda: Task.objects.filter(state="SUCCESS").exists())
    assert stored("ours")
