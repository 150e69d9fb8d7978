"""The proxy: the only way into the sandbox, by CONNECT or plainly, and a way to nowhere else."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit


class Proxy:
    """Leads known hosts to the sandbox's servers and refuses all others.

    :param knows: None for a host of the sandbox, else why it is refused.
    :param port: of the server that a host is on, for https (True) or http.
    """

    def __init__(self, knows: Callable[[str], str | None], port: Callable[[str, bool], int]) -> None:
        self.knows = knows
        self.port = port

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            method, target, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            tunnel = method == "CONNECT"
            host = target.rpartition(":")[0].lower() if tunnel else urlsplit(target).hostname or ""
            refusal = self.knows(host)
            if refusal:
                return await self._refuse(writer, "403 Forbidden", refusal)
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port(host, tunnel))
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:  # one request a connection: the next one might be for another host
                inner_writer.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _refuse(self, writer: asyncio.StreamWriter, status: str, reason: str) -> None:
        body = f"{reason}\n".encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        await writer.drain()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
