"""What the browser at the other end of a socket may know, now."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    VIEW_WORKER,
    get_policy,
)

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """``names``: whether ids may be told; a policy that hides rows would have to be asked for each.

    ``signed_in``: whether there is anybody at all. ``reader``: who it is, for the policy.
    """

    signed_in: bool
    tasks: bool
    workers: bool
    names: bool
    arguments: bool = False
    reader: Any = None

    @property
    def any(self) -> bool:
        return self.tasks or self.workers


def rights_of(cookies: dict[str, str]) -> Rights:
    """Asks the session store, the database and the policy; nothing is remembered."""
    from django.contrib.auth.models import AnonymousUser

    store = import_module(settings.SESSION_ENGINE).SessionStore
    found = _user(store(cookies.get(settings.SESSION_COOKIE_NAME)))
    user = found or AnonymousUser()
    policy = get_policy()
    return Rights(
        signed_in=found is not None,
        tasks=policy.can(user, VIEW_TASK),
        workers=policy.can(user, VIEW_WORKER),
        names=not policy.narrows,
        arguments=policy.can(user, VIEW_TASK_ARGUMENTS),
        reader=user,
    )


def _user(session: SessionBase) -> Any:
    """The user of a session, by Django's own rules, but changing nothing.

    While ``SECRET_KEY`` is rotated, ``get_user`` of Django renews the session and that of Channels
    deletes it; through a socket the browser cannot be given the new cookie, so either way a page
    left open would sign its reader out.
    """
    path = session.get(BACKEND_SESSION_KEY, "")
    if path not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        user_id = get_user_model()._meta.pk.to_python(session[SESSION_KEY])
    except (KeyError, ValidationError):
        return None
    user = load_backend(path).get_user(user_id)
    return user if user is not None and _is_fresh(session, user) else None


def _is_fresh(session: SessionBase, user: Any) -> bool:
    """Whether the password is still the one that was signed in with."""
    given = session.get(HASH_SESSION_KEY) or ""
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(given, each) for each in hashes)
