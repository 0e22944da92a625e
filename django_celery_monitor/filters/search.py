"""The spelling of the search box: ``state:failed,lost -queue:mail runtime:>30s "timed out"``.

Words without a key are searched in the text. A value with spaces, commas or quotes stands in
quotes, in which a backslash keeps a quote or a backslash as it is.
"""

from __future__ import annotations

import difflib
import re
from typing import Final

from django.utils.translation import gettext as _

from django_celery_monitor.filters.expression import And, FilterError
from django_celery_monitor.filters.fields import FIELDS, field_named
from django_celery_monitor.filters.given import Given, built, checked, given_by
from django_celery_monitor.filters.paths import is_path

# A text may spell many keys; these are those that are printed.
KEYS: Final = {FIELDS[field].key: field for field in FIELDS}
ALIASES: Final = {"name": "name", "type": "name", "text": "q", "q": "q", "exception": "error"}

_SPACE: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"(-?)((?:kw)?args\.[^\s:\",]+|[A-Za-z_]+):(?!//)")
_QUOTED: Final = re.compile(r'"((?:\\.|[^"\\])*)(?:"|\\?\Z)', re.DOTALL)
_PLAIN: Final = re.compile(r'[^\s,"][^\s,]*')
_WORD: Final = re.compile(r"\S+")
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def parse(text: str) -> And:
    """Raises ``FilterError`` with the ``span`` of the part that is wrong; nothing else."""
    given: Given = {}
    place = _after_space(text, 0)
    while place < len(text):
        place = _after_space(text, _take(text, place, given))
    return built(given)


def spelled(expression: And) -> str:
    """The opposite of ``parse``."""
    words = []
    for (field, excluded), values in given_by(expression).items():
        sign = "-" if excluded else ""
        if field == "q":
            words += [sign + _word(value) for value in values]
        else:
            words.append(f"{sign}{field_named(field).key}:{','.join(map(quoted, values))}")
    return " ".join(words)


def field_of(key: str) -> str | None:
    return key if is_path(key) else KEYS.get(key.lower()) or ALIASES.get(key.lower())


def _take(text: str, place: int, given: Given) -> int:
    """Reads one word or one key with its values; where the next begins."""
    key = _KEY.match(text, place)
    if key is None or (field_of(key[2]) is None and not (key[2].islower() or "." in key[2])):
        return _take_word(text, place, given)
    field = field_of(key[2])
    if field is None:
        word = _WORD.match(text, place)
        raise FilterError(_unknown(key[2]), (place, word.end() if word else key.end()))
    values, end = _values(text, key.end(), field)
    if not values:
        raise FilterError(
            _("%(key)s needs a value, such as %(example)s.")
            % {"key": key[2], "example": f"{field_named(field).key}:{field_named(field).example}"},
            (place, max(end, key.end())),
        )
    given.setdefault((field, bool(key[1])), []).extend(values)
    return end


def _take_word(text: str, place: int, given: Given) -> int:
    excluded = (
        text[place] == "-" and not text[place + 1 : place + 2].isspace() and (place + 1 < len(text))
    )
    begin = place + excluded
    quoted = _QUOTED.match(text, begin)
    word = quoted or _WORD.match(text, begin)
    if word is None:
        return len(text)
    value = _unescaped(quoted[1]) if quoted else word[0]
    field = "id" if not quoted and _UUID.fullmatch(value) else "q"
    if value.strip():
        given.setdefault((field, excluded), []).append(_said(field, value, word.span()))
    return word.end()


def _values(text: str, place: int, field: str) -> tuple[list[str], int]:
    found: list[str] = []
    while place < len(text) and not text[place].isspace():
        if text[place] == ",":
            place += 1
            continue
        quoted = _QUOTED.match(text, place)
        match = quoted or _PLAIN.match(text, place)
        if match is None or (found and text[place - 1] != ","):
            break
        value = _unescaped(quoted[1]) if quoted else match[0]
        if value.strip():
            found.append(_said(field, value, match.span()))
        place = match.end()
    return found, place


def _said(field: str, value: str, span: tuple[int, int]) -> str:
    try:
        return checked(field, value.strip())
    except FilterError as error:
        raise FilterError(str(error), span) from error


def _unknown(key: str) -> str:
    if "." in key:
        return _("“%(key)s” names no argument: use kwargs.order.id: or args.0:.") % {"key": key}
    near = difflib.get_close_matches(key, [*KEYS, *ALIASES], n=1)
    if near:
        return _("There is no filter “%(key)s”. Did you mean %(near)s?") % {
            "key": key,
            "near": f"{near[0]}:",
        }
    return _("There is no filter “%(key)s”. To search for this as text, put quotes around it.") % {
        "key": key
    }


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _unescaped(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)


def _in_quotes(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def quoted(value: str) -> str:
    """A value as it stands after a key."""
    return value if _PLAIN.fullmatch(value) else _in_quotes(value)


def _word(value: str) -> str:
    plain = _WORD.fullmatch(value) and value[0] not in '-"'
    return (
        value if plain and not (_KEY.match(value) or _UUID.fullmatch(value)) else _in_quotes(value)
    )
