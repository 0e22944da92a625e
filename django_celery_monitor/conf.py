"""The one reader of the project's ``CELERY_MONITOR`` setting."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

SETTING = "CELERY_MONITOR"
MAY_NOT_BE_EMPTY = frozenset(
    {"APP", "ACCESS_POLICY", "LOGIN_URL", "RECORD_ORIGIN", "REDACT_WITH", "TITLE"}
)
COLORS = ("grey", "green", "blue", "violet", "amber", "red")
# The collector looks up from a batch, to say that it lives and to stop, when it is stored; and a
# web process has other requests to answer than that of who acts.
AT_MOST = {"CONTROL_TIMEOUT": 60, "FLUSH_INTERVAL": 5, "PAGE_SIZE": 1000}
# Asked more often, workers would have more to do with us than with their tasks; and in less time
# than a second they could not answer.
AT_LEAST = {"INSPECT_EVERY": 10, "CONTROL_TIMEOUT": 1}
GUARDS = frozenset(
    {
        *("ACCESS_POLICY", "READ_ONLY"),
        *("REDACT_KEYS", "REDACT_PATTERNS", "REDACT_WITH", "REDACT_WITH_BY"),
        *("RETENTION_ACTIONS", "RETENTION_OPERATIONS"),
        *("RETENTION_DAYS", "RETENTION_DAYS_BY", "RETENTION_TASKS"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of ``CELERY_MONITOR`` with its default. Durations are seconds, sizes characters."""

    # Dotted path of the Celery app ("proj.celery:app"); None: the one of DJANGO_SETTINGS_MODULE.
    APP: str | None = None
    # Switch task events on, in workers that start with this app and in those already running.
    ENABLE_EVENTS: bool = True
    # Each worker is asked so often what it is doing; None: only when a page wants to know.
    INSPECT_EVERY: float | None = 300.0
    # A batch is stored when it holds so many events, or when its first one is so old.
    BATCH_SIZE: int = 5000
    FLUSH_INTERVAL: float = 0.25
    # Longer arguments and results are cut (and marked); Celery itself cuts at 1,024.
    MAX_TEXT: int = 4096
    MAX_TRACEBACK: int = 32768
    # Names whose values are never stored; matched anywhere in a key, whatever its case.
    REDACT_KEYS: tuple[str, ...] = (
        *("password", "passwd", "secret", "token", "api_key", "apikey", "authorization"),
        *("credential", "private_key", "session_id", "cookie", "card_number", "cvv", "ssn"),
    )
    # Regular expressions; what they match in any stored text is masked.
    REDACT_PATTERNS: tuple[str, ...] = ()
    # Dotted path of a callable that is given task, field and text before a text is stored, and
    # returns what may be; the same for some tasks only, by their name ("shop.health.*").
    REDACT_WITH: str | None = None
    REDACT_WITH_BY: dict[str, str] = field(default_factory=dict)
    ACCESS_POLICY: str = "django_celery_monitor.access.policy.AccessPolicy"
    # Nobody changes anything, superusers included: no act, no saved view.
    READ_ONLY: bool = False
    # URL name or path; None: LOGIN_URL when it resolves, else the admin's.
    LOGIN_URL: str | None = None
    TITLE: str = "Celery monitor"
    # A label beside the title, such as "production".
    ENVIRONMENT: str = ""
    # Of that label, one of COLORS; what says production is red in any case.
    ENVIRONMENT_COLOR: str = "grey"
    # A picture instead of ours: path of a static file, or a path on this host ("/media/logo.png").
    LOGO: str = ""
    # URL name, path or address, and the words for it: the way back into the project.
    BACK_LINK: tuple[str, ...] = ()
    # Where source code is read, by the beginning of a path in a traceback; {path}: the rest of it.
    SOURCE_LINKS: dict[str, str] = field(default_factory=dict)
    PAGE_SIZE: int = 25
    # What no index finds is looked for among so many tasks at a time, the newest first.
    SEARCH_WINDOW: int = 40_000
    # An exported file has at most so many tasks.
    EXPORT_MAX: int = 50_000
    # Tasks are deleted so many days after their last event; None: never.
    RETENTION_DAYS: float | None = 30.0
    # The same by task name ("shop.health.*"), or by outcome ("failed", "succeeded", "revoked" ...).
    RETENTION_DAYS_BY: dict[str, float] = field(default_factory=dict)
    # At most so many tasks, of which the oldest go first; None: any number.
    RETENTION_TASKS: int | None = None
    # What people did is deleted so many days later; None: never.
    RETENTION_ACTIONS: float | None = 365.0
    # The same of operations on many tasks, and what came of each task.
    RETENTION_OPERATIONS: float | None = 90.0
    # An operation has at most so many tasks.
    OPERATION_MAX: int = 50_000
    # Who acts on workers or asks them waits no longer; for all that they answer together.
    CONTROL_TIMEOUT: float = 5.0
    # Tasks that may run twice ("shop.mail.*"): a retry of others has to be confirmed.
    RETRY_SAFE: tuple[str, ...] = ()
    # Push changes to open pages through the channel layer; else they poll.
    LIVE: bool = True
    # Processes that publish tasks tell what only they know; see recorder/.
    RECORD: bool = True
    # Arguments that are longer as JSON are not recorded, in bytes.
    RECORD_MAX_PAYLOAD: int = 16384
    # Dotted path of a callable without arguments: who publishes (a request, a user), as short text.
    RECORD_ORIGIN: str | None = None


def problems() -> list[str]:
    """What is wrong with the project's ``CELERY_MONITOR``, one sentence each."""
    given = getattr(django_settings, SETTING, {})
    if not isinstance(given, dict):
        return [f"{SETTING} must be a dict, not {type(given).__name__}."]
    hints = get_type_hints(Settings)
    found = []
    for key, value in given.items():
        if key not in hints:
            found.append(_unknown(key, list(hints)))
        elif not _fits(value, hints[key]):
            found.append(f"{SETTING}[{key!r}] is {value!r}; expected {_accepted(hints[key])}.")
        else:
            found.extend(_bad_value(key, value))
    return found


def _unknown(key: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key).upper(), known, n=1)
    advice = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(known))}."
    return f"{SETTING} has an unknown key {key!r}. {advice}"


def _accepted(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list of {get_args(hint)[0].__name__}"
    if get_origin(hint) is dict:
        return f"a dict of str to {get_args(hint)[1].__name__}"
    if type(None) in get_args(hint):
        return f"{get_args(hint)[0].__name__} or None"
    return str(hint.__name__)


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return isinstance(value, list | tuple) and all(isinstance(each, item) for each in value)
    if get_origin(hint) is dict:
        item = get_args(hint)[1]
        return isinstance(value, dict) and all(
            isinstance(key, str) and _fits(each, item) for key, each in value.items()
        )
    if get_origin(hint) is UnionType:
        return value is None or _fits(value, get_args(hint)[0])
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float)
    return isinstance(value, hint)


def _bad_value(key: str, value: Any) -> list[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bad_number(key, value)
    if key == "REDACT_WITH_BY":
        empty = [name for name, path in value.items() if not name or not path]
        return [f"{SETTING}[{key!r}] has an empty name or path: {name!r}." for name in empty]
    if key == "SOURCE_LINKS":
        bad = [name for name, url in value.items() if not name or "{path}" not in url]
        return [f"{SETTING}[{key!r}][{name!r}] needs a beginning and a {{path}}." for name in bad]
    if isinstance(value, dict):
        return [bad for name, each in value.items() for bad in _bad_number(key, each, name)]
    if key == "REDACT_PATTERNS":
        return [bad for pattern in value for bad in _bad_pattern(pattern)]
    if key == "REDACT_KEYS" and "" in value:
        return [f"{SETTING}['REDACT_KEYS'] has an empty name, which every key contains."]
    if key == "RETRY_SAFE" and "" in value:
        return [f"{SETTING}['RETRY_SAFE'] has an empty name."]
    if key in MAY_NOT_BE_EMPTY and value == "":
        return [f"{SETTING}[{key!r}] is empty."]
    return _bad_look(key, value)


def _bad_look(key: str, value: Any) -> list[str]:
    if key == "ENVIRONMENT_COLOR" and value not in COLORS:
        return [f"{SETTING}[{key!r}] is {value!r}; it must be one of {', '.join(COLORS)}."]
    if key == "LOGO" and (":" in value or value.startswith("//")):
        # The pages' policy lets no picture come from elsewhere.
        return [f"{SETTING}[{key!r}] is {value!r}; name a static file, or a path on this host."]
    if key == "BACK_LINK" and value and (len(value) != 2 or not all(value)):
        return [f"{SETTING}[{key!r}] is {value!r}; expected an address and its words."]
    return []


def _bad_number(key: str, value: float, name: str | None = None) -> list[str]:
    if not math.isfinite(value) or value <= 0:
        place = f"{SETTING}[{key!r}]" + ("" if name is None else f"[{name!r}]")
        return [f"{place} is {value!r}; it must be greater than 0."]
    if value > AT_MOST.get(key, math.inf):
        return [f"{SETTING}[{key!r}] is {value!r}; it must be at most {AT_MOST[key]}."]
    if value < AT_LEAST.get(key, 0):
        return [f"{SETTING}[{key!r}] is {value!r}; it must be at least {AT_LEAST[key]}."]
    return []


def _bad_pattern(pattern: str) -> list[str]:
    try:
        re.compile(pattern)
    # Overflow: a repeat count that is too large.
    except (re.error, OverflowError) as error:
        return [f"{SETTING}['REDACT_PATTERNS'] has {pattern!r}: {error}."]
    return []


@cache
def get_settings() -> Settings:
    """The project's settings over the defaults; keys in error (see ``problems``) are ignored.

    Not those in ``GUARDS``: their defaults would show, store or delete what the project wants
    otherwise.
    """
    given = getattr(django_settings, SETTING, {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(" ".join(problems()))
    hints = get_type_hints(Settings)
    good = {}
    for key, value in given.items():
        if key in hints and _fits(value, hints[key]) and not _bad_value(key, value):
            good[key] = _frozen(value)
        elif key in GUARDS:
            raise ImproperlyConfigured(" ".join(problems()))
    return Settings(**good)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _reset(*, setting: str, **_kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()


setting_changed.connect(_reset, dispatch_uid="celery_monitor.conf")
