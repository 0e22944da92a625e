"""What the project's result backend says of tasks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from celery.app.backends import by_url
from celery.backends.base import DisabledBackend
from celery.states import READY_STATES
from celery.utils.saferepr import saferepr
from django.db import connections
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.serialization import prepare_accept_content

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("django_celery_monitor")

# Reading the one takes a result away from whom it is meant for; the other keeps pickles, and
# decodes them whatever it is told to accept.
_NEVER_READ: Final = ("celery.backends.rpc", "celery.backends.database")


class BackendAwayError(Exception):
    """The result backend does not answer, or cannot be built."""


class KnownResult(NamedTuple):
    """How a task ended; ``text`` is its result, or the exception of one that failed."""

    state: str
    text: str
    # When, by the worker's clock, if the backend knows.
    time: datetime | None


class Results:
    """Reads the result backend: nothing but JSON, and no class of the project is called for it.

    To be used by one thread at a time.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._backend: Any = None

    def ended(self, task_id: str) -> KnownResult | None:
        """``None`` when the backend knows no end of the task, or may not be read.

        Raises ``BackendAwayError``.
        """
        return _known(self.kept(task_id))

    def kept(self, task_id: str) -> dict[str, Any]:
        """All that the backend keeps of the task, or nothing when that may not be read.

        Raises ``BackendAwayError``.
        """
        try:
            backend = self._backend = self._backend or own_backend(self._app)
        # A backend may be any package's, with errors of its own.
        except Exception as error:
            raise BackendAwayError(error) from error
        if _never_read(backend):
            return {}
        try:
            meta: Any = backend.get_task_meta(task_id, cache=False)
        except (ContentDisallowed, DecodeError) as error:
            logger.debug("The result of %s is not readable: %s", task_id, error)
            return {}
        except Exception as error:
            self._probe()
            logger.debug("The result of %s is not readable: %s", task_id, error)
            return {}
        return meta if isinstance(meta, dict) else {}

    def close(self) -> None:
        """Let go of what this thread holds; a backend may use Django's connections."""
        self._drop_backend()
        connections.close_all()

    def _probe(self) -> None:
        """Ask for what nobody knows: so one bad result is told from a backend that is away."""
        try:
            self._backend.get_task_meta(str(uuid4()), cache=False)
        except Exception as error:
            self._drop_backend()
            raise BackendAwayError(error) from error

    def _drop_backend(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            close_backend(backend)


def close_backend(backend: Any) -> None:
    """Celery's backends have no way to close them; that of Redis keeps a pool of sockets."""
    pool = getattr(vars(backend).get("client"), "connection_pool", None)
    if pool is not None:
        pool.disconnect()


def own_backend(app: Celery) -> Any:
    """One of our own: the app's is the project's to configure."""
    found: Any = by_url(app.backend_cls or app.conf.result_backend, app.loader)
    kind, url = found
    backend = kind(app=app, url=url)
    backend.accept = prepare_accept_content(["json"])
    # Otherwise it looks the exception's class up, and makes one.
    backend.exception_to_python = lambda told: told
    return backend


def _never_read(backend: Any) -> bool:
    modules = {kind.__module__ for kind in type(backend).__mro__}
    return isinstance(backend, DisabledBackend) or not modules.isdisjoint(_NEVER_READ)


def _known(meta: dict[str, Any]) -> KnownResult | None:
    state = str(meta.get("status"))
    if state not in READY_STATES:
        return None
    result = meta.get("result")
    return KnownResult(state, _exception(result) or saferepr(result), _time(meta.get("date_done")))


def _exception(told: Any) -> str:
    """``KeyError('x')``, as an event would have it."""
    if not isinstance(told, dict) or "exc_type" not in told:
        return ""
    message = told.get("exc_message", ())
    parts = message if isinstance(message, list | tuple) else [message]
    return f"{told['exc_type']}({', '.join(saferepr(part) for part in parts)})"


def _time(told: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else told
    except ValueError:
        return None
    if not isinstance(found, datetime):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
