"""There is no network: whatever uses one raises OSError, and modules that only might can be imported."""

import json

import pytest

TEXT = "WASI preview 1 has no network"
BEFORE = "import asyncio, errno, http.client, json, smtplib, socket, socketserver, urllib.request\n"


@pytest.fixture
def raised(guest):
    def evaluate(expression: str) -> list[object]:
        """Type, errno and text of what an expression raises."""
        code = (
            f"{BEFORE}try: {expression}\n"
            "except Exception as error:\n"
            "    print(json.dumps([isinstance(error, OSError), getattr(error, 'reason', error).errno, str(error)]))\n"
        )
        done = guest("-c", code)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


@pytest.mark.parametrize(
    "expression",
    [
        "socket.socket().connect(('127.0.0.1', 80))",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.create_connection(('example.org', 80))",
        "socket.create_server(('127.0.0.1', 0))",
        "socket.socketpair()",
        "socket.getaddrinfo('example.org', 80)",
        "socket.gethostbyname('localhost')",
        "socket.gethostbyname_ex('localhost')",
        "socket.gethostbyaddr('127.0.0.1')",
        "socket.gethostname()",
        "socket.getnameinfo(('127.0.0.1', 80), 0)",
        "socket.getservbyname('http')",
        "socket.getprotobyname('tcp')",
        "urllib.request.urlopen('http://example.org')",
        "urllib.request.urlopen('https://example.org')",
        "http.client.HTTPConnection('example.org').request('GET', '/')",
        "smtplib.SMTP('example.org')",
        "socketserver.TCPServer(('127.0.0.1', 0), None)",
        "asyncio.run(asyncio.open_connection('example.org', 80))",
        "asyncio.run(asyncio.open_connection('127.0.0.1', 80))",
        "asyncio.run(asyncio.start_server(print, '127.0.0.1', 80))",
    ],
)
def test_every_use_is_an_error_of_the_system(raised, expression):
    is_os_error, number, text = raised(expression)
    assert is_os_error
    assert number == 5  # EAFNOSUPPORT in wasi-libc
    assert TEXT in text


def test_what_needs_no_network_works(guest):
    code = (
        "import email.utils, socket, uuid\n"
        "names = ['SO_REUSEADDR', 'SO_KEEPALIVE', 'SO_BROADCAST', 'SO_ERROR', 'SOCK_RAW', 'MSG_NOSIGNAL', 'IPPROTO_TCP']\n"
        "print([name for name in names if not hasattr(socket, name)], repr(socket.SOCK_RAW), socket.getfqdn())\n"
        "print(email.utils.make_msgid().endswith('@localhost>'), len(str(uuid.uuid1())))\n"
        "print(all(hasattr(socket.socket, name) for name in ['bind', 'listen', 'accept', 'sendto', 'recvfrom_into']))\n"
    )
    done = guest("-c", code)
    assert done.stdout.splitlines() == ["[] <SocketKind.SOCK_RAW: 3> localhost", "True 36", "True"], done.stderr


def test_ssl_says_why_it_is_missing(guest):
    code = "try: import ssl\nexcept ModuleNotFoundError as error: print(error.name, error)"
    assert guest("-c", code).stdout == f"_ssl there is no module ssl: {TEXT}\n"
