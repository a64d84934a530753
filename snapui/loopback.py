"""The names by which this machine calls itself: what only a program or browser on it can reach."""

import ipaddress
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


def is_loopback(name: str | None) -> bool:
    """Say whether a host name or address means this very machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def asked_name(host_header: str | None) -> str | None:
    """Return the name or address in a Host header, without its port; None if there is none."""
    try:
        return urlsplit(f"//{host_header or ''}").hostname
    except ValueError:  # half an IPv6 address
        return None
