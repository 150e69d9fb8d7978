"""The name server: UDP and TCP on one port, authoritative for the zones and a resolver for their clients."""

import asyncio
import struct
from contextlib import suppress
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from sandbox.dns.view import View

UDP_LARGEST = 1232  # bytes, whatever EDNS buffer a client offers (dnsflagday.net/2020)


class NameServer(asyncio.DatagramProtocol):
    """Answers from a View."""

    def __init__(self, view: View) -> None:
        self.view = view

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        reply = self.reply(data, UDP_LARGEST)
        if reply:
            self.transport.sendto(reply, addr)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One TCP connection (RFC 7766)."""
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                (length,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), 30))
                reply = self.reply(await reader.readexactly(length), 65535)
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        writer.close()

    def reply(self, data: bytes, largest: int) -> bytes:
        """The answer to one query; nothing for what is no query."""
        try:
            query = dns.message.from_wire(data)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return b""
        response = dns.message.make_response(query, recursion_available=True)
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self._fill(response, name, kind)
        shown = "; ".join(rdata.to_text() for rrset in response.answer for rdata in rrset)
        self.view.state.log("dns", name, kind, name, response.rcode(), shown)
        try:
            return response.to_wire(max_size=largest)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            return short.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        found = self.view.answer(name, kind)
        for owner, type_, ttl, values in found:
            response.answer.append(dns.rrset.from_text(f"{owner}.", ttl, "IN", type_, *values))
        zone = self.view.zone_of(name)
        if found or zone or self.view.synthetic(name):
            response.flags |= dns.flags.AA
        if found or self.view.synthetic(name) or (zone and self.view.exists(name)):
            rcode = dns.rcode.NOERROR
        else:
            rcode = dns.rcode.NXDOMAIN
        response.set_rcode(rcode)
        if zone and not any(type_ == kind for _, type_, _, _ in found):
            soa = self.view.record_sets(zone["name"].lower())["SOA"]
            response.authority.append(dns.rrset.from_text(f"{soa[0]}.", soa[2], "IN", "SOA", *soa[3]))
