"""What `_socket` would have with a network, which WASI preview 1 does not give: functions that say so, and constants.

`socket` imports this before it takes `_socket`'s names, so that what others name while they are imported is there.
"""

import _socket
import errno

_TEXT = "WASI preview 1 has no network"
# Linux's numbers; nothing reads them.
_CONSTANTS = {
    "SOCK_RAW": 3, "SOCK_RDM": 4, "SOCK_SEQPACKET": 16,
    "SO_DEBUG": 1, "SO_REUSEADDR": 2, "SO_ERROR": 4, "SO_DONTROUTE": 5, "SO_BROADCAST": 6, "SO_SNDBUF": 7,
    "SO_RCVBUF": 8, "SO_KEEPALIVE": 9, "SO_OOBINLINE": 10, "SO_LINGER": 13, "SO_RCVLOWAT": 18, "SO_SNDLOWAT": 19,
    "SO_RCVTIMEO": 20, "SO_SNDTIMEO": 21, "SO_ACCEPTCONN": 30,
    "MSG_OOB": 1, "MSG_DONTROUTE": 4, "MSG_CTRUNC": 8, "MSG_DONTWAIT": 64, "MSG_EOR": 128, "MSG_NOSIGNAL": 16384,
    "IPPROTO_IP": 0, "IPPROTO_ICMP": 1, "IPPROTO_IGMP": 2, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "IPPROTO_IPV6": 41,
    "IPPROTO_ICMPV6": 58, "IPPROTO_NONE": 59, "IPPROTO_RAW": 255,
}  # fmt: skip


def error():
    """Return the exception that stands for every use of the network."""
    return OSError(errno.EAFNOSUPPORT, _TEXT)


def _refuse(name):
    def function(*_arguments, **_options):
        raise error()

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Raise OSError: {_TEXT}."
    return function


_FUNCTIONS = (
    "getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "gethostname", "getnameinfo",
    "getprotobyname", "getservbyname", "getservbyport", "if_indextoname", "if_nameindex", "if_nametoindex",
    "sethostname", "socketpair",
)  # fmt: skip
_METHODS = (
    "bind", "connect", "connect_ex", "getpeername", "getsockname", "listen", "recvfrom", "recvfrom_into", "recvmsg",
    "recvmsg_into", "sendmsg", "sendto", "setsockopt",
)  # fmt: skip


class _Socket(_socket.socket):
    """A socket of the embedder's, if it gives any."""

    __slots__ = ()

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):  # noqa: A002 - as CPython's
        if fileno is None:
            raise error()
        super().__init__(family, type, proto, fileno)


def complete():
    """Set in `_socket` what it lacks."""
    for name, value in _CONSTANTS.items():
        if not hasattr(_socket, name):
            setattr(_socket, name, value)
    for name in _FUNCTIONS:
        if not hasattr(_socket, name):
            setattr(_socket, name, _refuse(name))
    for name in _METHODS:
        if not hasattr(_socket.socket, name):
            setattr(_Socket, name, _refuse(name))
    _socket.socket = _Socket
