"""The value of LISTEN=: where phones in the same network reach the listener page."""

import errno
import ipaddress
import socket

# https://www.rfc-editor.org/rfc/rfc5737: connecting a datagram socket to it sends nothing.
ELSEWHERE = ("192.0.2.1", 9)


class ListenAddressError(ValueError):
    """The address cannot be listened on; the message names it, the rule and the way out."""


def listen_address(value: str) -> str:
    """Return the address that LISTEN= names. Raises ListenAddressError."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise _error(value, "it is no IP address") from None
    if address.is_unspecified or address.is_multicast:
        raise _error(value, "it stands for more than one address")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        socket.create_server((str(address), 0), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _error(value, "this machine does not have it") from None
        raise _error(value, error.strerror or str(error)) from None
    return str(address)


def _error(value: str, problem: str) -> ListenAddressError:
    own = own_address()
    way_out = f"try LISTEN={own}" if own else "connect this machine to that network first"
    return ListenAddressError(
        f"LISTEN is {value!r}, but {problem}: it must be an IP address that this machine has in the"
        f" phones' network; {way_out}"
    )


def own_address() -> str | None:
    """Return this machine's address in its network; None where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return address
