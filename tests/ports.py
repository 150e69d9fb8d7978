"""Ports for servers that have to be told theirs."""

import random
import socket

BELOW = 32768  # from here on the kernel gives ports to whoever connects (ip_local_port_range)


def free_port(*addresses: str) -> int:
    """A port that is free for UDP and TCP, and that the kernel gives to nobody by itself meanwhile.

    :param addresses: of this machine, 127.0.0.1 by default.
    """
    while True:
        port = random.randrange(10_000, BELOW)
        try:
            for address in addresses or ("127.0.0.1",):
                with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
                    udp.bind((address, port))
                    tcp.bind((address, port))
        except OSError:
            continue
        return port
