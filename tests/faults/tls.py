"""A certificate authority of our own, and a door with TLS in front of a plain port."""

import asyncio
import ipaddress
import ssl
import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
SCHEMES = {"http": "https", "ws": "wss"}

Kind = Literal["good", "expired", "wrong_host", "self_signed", "other_authority"]


class Authority:
    """Signs certificates for loopback; its own is in ``ca_file``."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name_of(name)
        self.ca_file = folder / f"{name}.pem"
        certificate = _sign(self._name, self._name, self._key, self._key, lives_to=1, is_authority=True)
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def certify(self, kind: Kind) -> Path:
        """Write a certificate and its key into one file."""
        if kind == "other_authority":
            return Authority(self._folder, "other").certify("good")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name_of("venue")
        is_own = kind == "self_signed"
        certificate = _sign(
            subject,
            subject if is_own else self._name,
            key,
            key if is_own else self._key,
            lives_to=-1 if kind == "expired" else 1,
            host="127.0.0.2" if kind == "wrong_host" else HOST,
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._folder / f"{kind}.pem"
        path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        return path


def _name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    lives_to: int,
    host: str = HOST,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=lives_to))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


class TlsDoor:
    """Speaks TLS before a plain port of a simulator, and keeps what clients said once the handshake was done."""

    def __init__(self, target: str, certificate: Path) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self.port = 0
        self.heard: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def change(self, certificate: Path) -> None:
        """Show another certificate from now on."""
        self._context.load_cert_chain(certificate)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._enter, HOST, 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    def endpoints(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return base addresses that lead here, encrypted."""
        return {key: f"{SCHEMES[urlsplit(address).scheme]}://{HOST}:{self.port}" for key, address in given.items()}

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = writer
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(carry(reader, inner_writer, self.heard), carry(inner_reader, writer, []))
        finally:
            del self._links[task]

    def drop(self) -> None:
        """End every connection."""
        for writer in self._links.values():
            writer.transport.abort()

    async def close(self) -> None:
        self.drop()
        await asyncio.gather(*self._links)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: list[bytes]) -> None:
    """Pass on what comes until one side ends, and keep it."""
    try:
        while piece := await reader.read(65_536):
            kept.append(piece)
            writer.write(piece)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


class OutdatedDoor:
    """A server that speaks TLS 1.1 at most, and says so in its alert before it hangs up."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            self._context.minimum_version = self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.port = 0
        self.heard: list[bytes] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._enter, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def endpoints(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return base addresses that lead here, encrypted."""
        return {key: f"{SCHEMES[urlsplit(address).scheme]}://{HOST}:{self.port}" for key, address in given.items()}

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        speaker = self._context.wrap_bio(incoming, outgoing, server_side=True)
        is_agreed = False
        with suppress(ssl.SSLError, OSError):
            while piece := await reader.read(65_536):
                incoming.write(piece)
                with suppress(ssl.SSLWantReadError):
                    if not is_agreed:
                        speaker.do_handshake()
                        is_agreed = True
                    self.heard.append(speaker.read())
                writer.write(outgoing.read())
        writer.write(outgoing.read())
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
