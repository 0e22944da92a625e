"""What goes wrong in the shop beside Python's and Django's own errors."""

from __future__ import annotations


class CardDeclined(Exception):
    """The bank said no; asking again would not help."""


class GatewayTimeout(Exception):
    """The bank did not answer; asking again may help."""
