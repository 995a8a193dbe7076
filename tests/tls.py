"""TLS in front of a server without it; it requires a client certificate, like `hostssl … cert`.

The keys serve these tests alone, and are valid until 2126. The passphrase of the locked one is
`sesame`.
"""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from tests.listener import Listener

PASSPHRASE = "sesame"

CA = """\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUQoF+fxXzB8hsHq1Fjd6B/+bR3EowCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLcGd0b3AgdGVzdHMwIBcNMjYxMTMwMDc0MDU2WhgPMjEyNjEx
MDYwNzQwNTZaMBYxFDASBgNVBAMMC3BndG9wIHRlc3RzMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEUywq4LKJYMaqXI1jFHDBtiOOxuk++RC02buY5+it2+wWIZ56
EifZdBoxsduciAn8maT7hcrBvYA1Fqx8QEbdpaNTMFEwHQYDVR0OBBYEFDNssSKe
ahzhn61AC/2zl6QaF74gMB8GA1UdIwQYMBaAFDNssSKeahzhn61AC/2zl6QaF74g
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIZL1eDHaYiHQdfe
9Pf1v65iFflwLiMxd8DmtxrvS65KAiEAw8O42E0xqbWsvaV0S8WWG8XU1HEt1Q86
rPSkuCwMdUw=
-----END CERTIFICATE-----
"""
SERVER = """\
-----BEGIN CERTIFICATE-----
MIIBJjCBzQIUMaHUKhpmlcq6ol7lQ3zvJb69urIwCgYIKoZIzj0EAwIwFjEUMBIG
A1UEAwwLcGd0b3AgdGVzdHMwIBcNMjYxMTMwMDc0MDU2WhgPMjEyNjExMDYwNzQw
NTZaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABBSRaGtQOUpwg75qG7sEhcpVIT5KqXmsncdfSz++tXw+/TQP8soA9b4VaTlm
eaBpvMPj1sT5G/WdGhhbo+HJez0wCgYIKoZIzj0EAwIDSAAwRQIhAODjG4/k7CHI
6La7FZazD+irRvRBPbjWr+G4coO7MeqSAiBSVHWBrMrnR85Zn9Lf7zyZVO1dY+u6
KjdMrTknJEu5tQ==
-----END CERTIFICATE-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHArsuH9TGDQzq6wpazCVj4R0Zvh+PmREWX6gfVkbLzxoAoGCCqGSM49
AwEHoUQDQgAEFJFoa1A5SnCDvmobuwSFylUhPkqpeaydx19LP761fD79NA/yygD1
vhVpOWZ5oGm8w+PWxPkb9Z0aGFuj4cl7PQ==
-----END EC PRIVATE KEY-----
"""
_CLIENT = """\
-----BEGIN CERTIFICATE-----
MIIBJDCBzAIUMaHUKhpmlcq6ol7lQ3zvJb69urMwCgYIKoZIzj0EAwIwFjEUMBIG
A1UEAwwLcGd0b3AgdGVzdHMwIBcNMjYxMTMwMDc0MDU2WhgPMjEyNjExMDYwNzQw
NTZaMBMxETAPBgNVBAMMCHBvc3RncmVzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAECRA4hpIbPtuKQqiHGhrylBm2+bf0Yr3DoXLyJjGivDSLWTc6Poj8KVMtg1eM
lyaDwbWoddp3snXh4FMdT1RO8DAKBggqhkjOPQQDAgNHADBEAiABHU7g9Iivgyhr
nkz50NsIrMo84YDr/T0SNSZxtipTXAIgQgwk29QKfun2fRFGfQnoSXZ9Wrodrky/
68q8p2c+Hws=
-----END CERTIFICATE-----
"""
_KEY = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOx4H++K/3ojjWgus/ClSVyYzxAM1oSyG7Kh+4n5TyvgoAoGCCqGSM49
AwEHoUQDQgAECRA4hpIbPtuKQqiHGhrylBm2+bf0Yr3DoXLyJjGivDSLWTc6Poj8
KVMtg1eMlyaDwbWoddp3snXh4FMdT1RO8A==
-----END EC PRIVATE KEY-----
"""
_LOCKED = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAipTVfsgDAhpwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMVaEnIpkzmoTp7FL6U24msEgZBr
bapU01qk1Jwd8EKw6GWvJe88F8AsvsrUZ5a2Q7yh68SW+w1VmuSATdpw/tOkL+Nz
5j0OtejQ2A47+Q29Iukb3Bzh/rSyVz55RZ9vnKmbN7M0aZiL1d1huLO+jdxwAuD1
wUDsl2sVZo1nBEEhEsDe6PFJMRI/DiIng2OABZYPodjjQeI+tr8WtkOWs7KXeUs=
-----END ENCRYPTED PRIVATE KEY-----
"""


class Files(NamedTuple):
    """The client's files."""

    certificate: Path
    key: Path
    locked: Path

    @classmethod
    def write(cls, folder: Path) -> Self:
        files = cls(folder / "client.crt", folder / "client.key", folder / "locked.key")
        for path, text in zip(files, (_CLIENT, _KEY, _LOCKED), strict=True):
            path.touch(mode=0o600)
            path.write_text(text)
        return files


class TlsProxy(Listener):
    """A TCP port that speaks TLS and leads to `target` (host, port); a context manager."""

    def __init__(self, target: tuple[str, int], folder: Path) -> None:
        super().__init__(target)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server = folder / "server.pem"
        server.write_text(SERVER)
        self._context.load_cert_chain(server)
        self._context.load_verify_locations(cadata=CA)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self.accepted = 0
        """Clients that have shown a good certificate."""

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            client.recv(8)  # SSLRequest
            client.sendall(b"S")
            secured = self._context.wrap_socket(client, server_side=True)
            with secured, socket.create_connection(self._target) as server:
                self.accepted += 1
                self._open += [secured, server]
                threading.Thread(
                    target=_pump, args=[secured, server], daemon=True
                ).start()
                _pump(server, secured)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
