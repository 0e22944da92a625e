"""The tests' Django project with a cache such as a project has when it says nothing of caches."""

from __future__ import annotations

from tests.project.settings import *  # noqa: F403

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
