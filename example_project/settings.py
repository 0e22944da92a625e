"""The example project: everyone may read these settings, so they are for a demo only.

``DEMO_BROKER_URL``, ``DEMO_RESULT_BACKEND_URL``, ``DEMO_DATABASE_URL`` and ``DEMO_PORT`` choose the
servers, for ``make demo`` and for every ``manage.py`` command.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery.schedules import crontab

from example_project.databases import database
from example_project.environment import DATA, channel_layer_url, setting

DATA.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "anybody can read this key, so nothing real may use it"
# The demo's workers and collector switch this off: Django would keep their queries in memory.
DEBUG = os.environ.get("DEMO_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "example_project.urls"
ASGI_APPLICATION = "example_project.asgi.application"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "celery_monitor:overview"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "daphne",  # before staticfiles: `manage.py runserver` then speaks websockets
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_prometheus",
    "social_django",
    "django_celery_monitor",
    "example_project.demo",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
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

STATIC_URL = "static/"
# Served straight from the packages, so there is nothing to collect first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
# WhiteNoise's responses are small files; that they are read at once under ASGI is no news.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

DATABASES = {"default": database(setting("DEMO_DATABASE_URL"))}

CELERY_BROKER_URL = setting("DEMO_BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = setting("DEMO_RESULT_BACKEND_URL")
CELERY_RESULT_EXPIRES = 3600
CELERY_RESULT_EXTENDED = True
CELERY_TASK_SEND_SENT_EVENT = True  # shows waits, and tasks that no worker has taken yet
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "shop.orders.charge_card": "payments",
    "shop.mail.*": "mail",
    "shop.images.*": "images",
    "shop.search.*": "search",
    "shop.reports.*": "reports",
    "shop.partners.*": "partners",  # no worker reads this queue
}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "leipzig-stock": {
        "task": "shop.stock.sync_warehouse",
        "schedule": 45,
        "args": ["leipzig"],
    },
    "porto-stock": {
        "task": "shop.stock.sync_warehouse",
        "schedule": 70,
        "args": ["porto"],
    },
    "sweep-unpaid-orders": {
        "task": "shop.orders.cancel_unpaid",
        "schedule": 30,
        "options": {"expires": 25},
    },
    "sales-report": {
        "task": "shop.reports.daily_sales",
        "schedule": crontab(minute="*/10"),
        "kwargs": {"day": "today"},
    },
}

_redis = channel_layer_url(CELERY_BROKER_URL, CELERY_RESULT_BACKEND)
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [_redis], "prefix": "shop"},
    }
    if _redis
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}

CELERY_MONITOR = {"TITLE": "Shop", "ENVIRONMENT": "demo", "ENVIRONMENT_COLOR": "violet"}
