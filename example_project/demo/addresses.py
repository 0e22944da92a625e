"""Where the demo listens: on this machine only, and on ports that are free."""

from __future__ import annotations

import ipaddress
import socket


class AddressError(Exception):
    """The message says which address cannot be used, and why."""


def loopback(host: str) -> str:
    """``host`` as an address, if nobody but this machine can reach it."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise AddressError(f"DEMO_HOST: {host!r} is not an IP address.") from error
    if not local:
        raise AddressError(
            f"DEMO_HOST: the demo has a superuser with a public password and does not listen on "
            f"{host}, only on a loopback address such as 127.0.0.1."
        )
    return address


def free_port(host: str, wanted: int = 0) -> int:
    """``wanted`` if nobody listens there, else one of the ten above it, else any."""
    near = range(wanted, min(wanted + 11, 65_536)) if wanted > 0 else ()
    candidates = [*near, 0]
    return next(port for candidate in candidates if (port := _bindable(host, candidate)))


def _bindable(host: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
