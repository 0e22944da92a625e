"""The Django project the tests run in; subprocesses get the same one through the environment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql  # type: ignore[import-untyped]

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "tests.project.urls"
ASGI_APPLICATION = "tests.project.asgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "/static/"
LOGIN_URL = "admin:login"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_celery_monitor",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """``sqlite:///path`` or ``postgresql://user:password@host:port/name`` as Django wants it.

    ``mariadb://`` is spelt as PostgreSQL is.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        options = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
        }
        engine = "django.db.backends.sqlite3"
        return {"ENGINE": engine, "NAME": path, "OPTIONS": options, "TEST": {"NAME": path}}
    server: dict[str, Any] = {
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password,
        "NAME": parts.path.removeprefix("/"),
    }
    test: dict[str, Any] = {"NAME": f"test_celery_monitor_{os.getpid()}"}
    if parts.scheme == "mariadb":
        pymysql.install_as_MySQLdb()
        options = {"charset": "utf8mb4"}
        test |= {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_nopad_bin"}
        engine = "django.db.backends.mysql"
        return {"ENGINE": engine, **server, "OPTIONS": options, "TEST": test}
    return {"ENGINE": "django.db.backends.postgresql", **server, "TEST": test}


# A file, not memory: collectors that tests start in other processes write the same rows.
_file = Path(tempfile.gettempdir(), f"celery-monitor-tests-{os.getpid()}.sqlite3")
DATABASES = {"default": database(os.environ.get("TEST_DATABASE_URL", f"sqlite://{_file}"))}
for _alias in ("postgresql", "mariadb"):
    if (_variable := f"TEST_{_alias.upper()}_URL") in os.environ:
        DATABASES[_alias] = database(os.environ[_variable])

# In memory nothing crosses threads or processes; `asgi_server` puts a Redis layer in its place.
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
if "TEST_CHANNEL_LAYER_URL" in os.environ:
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ["TEST_CHANNEL_LAYER_URL"]]},
    }

# A count that was slow on a busy machine must not be remembered into the next test.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

CELERY_BROKER_URL = os.environ.get("TEST_BROKER_URL", "memory://")
CELERY_RESULT_BACKEND = os.environ.get("TEST_RESULT_BACKEND_URL", "cache+memory://")
CELERY_RESULT_EXTENDED = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_POOL_RESTARTS = "TEST_POOL_RESTARTS" in os.environ

# Tests that count events publish nothing else; those of the recorder switch it on.
CELERY_MONITOR = {
    "APP": "tests.project.celery:app",
    "RECORD": "TEST_RECORD" in os.environ,
    "ENABLE_EVENTS": "TEST_NO_EVENTS" not in os.environ,
}
