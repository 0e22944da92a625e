"""Which sites' pages may open a socket here: browsers send cookies whoever asks."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain


def is_welcome(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the request comes from a page of this site, or of one the project trusts."""
    found = {name.lower(): value.decode("latin1") for name, value in headers}
    try:
        origin = urlsplit(found.get(b"origin", "").lower())
    except ValueError:
        return False
    domain, _port = split_domain_port(origin.netloc)
    return bool(domain) and (_is_ours(domain, found) or _is_trusted(origin))


def _is_ours(domain: str, headers: dict[bytes, str]) -> bool:
    allowed = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]
    if "*" in allowed:
        # It says that any name may lead here, not that any page may look inside.
        allowed = [*(host for host in allowed if host != "*"), _own_domain(headers)]
    return validate_host(domain, allowed)


def _own_domain(headers: dict[bytes, str]) -> str:
    forwarded = headers.get(b"x-forwarded-host") if settings.USE_X_FORWARDED_HOST else None
    return split_domain_port(forwarded or headers.get(b"host", ""))[0]


def _is_trusted(origin: SplitResult) -> bool:
    """As Django's protection of forms has it."""
    trusted = [urlsplit(each.lower()) for each in settings.CSRF_TRUSTED_ORIGINS]
    return any(
        origin.scheme == each.scheme and is_same_domain(origin.netloc, each.netloc.lstrip("*"))
        for each in trusted
    )
