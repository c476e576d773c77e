"""Which addresses may be fetched from: public ones, so that a feed cannot look into our network."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET, AddressFamily

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
#: Whether an address may be connected to.
Permit = Callable[[Address], bool]

#: Shared, test, future and translated ranges; what ``is_global`` says of them depends on the
#: version of Python.
_CLOSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "fec0::/10",
    )
)  # fmt: skip
_TRANSLATED = ip_network("64:ff9b::/96")
#: Machines of clouds answer here with the keys of their owner; on nobody's network are feeds here.
_NEVER = (ip_network("fd00:ec2::254/128"), ip_network("100.100.100.200/32"))

#: What is no name but an address: it has a colon, or its last part is a number.
_NUMBER = re.compile(r":|(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)


def is_open(host: str, permit: Permit) -> bool:
    """Whether a host may be asked for: a number is judged here, a name by the resolver."""
    if not _NUMBER.search(host):
        return True
    try:
        return permit(ip_address(host.split("%")[0]))
    except ValueError:
        return False  # a number in a form of its own, such as 0x7f.1


def public_only(address: Address) -> bool:
    """Whether everybody can reach this address."""
    plain = _unwrapped(address)
    if any(plain in network for network in _CLOSED if network.version == plain.version):
        return False
    return plain.is_global and not plain.is_multicast


def own_network_too(address: Address) -> bool:
    """The same, or an address of this machine or of a private network; never a cloud's own."""
    plain = _unwrapped(address)
    if any(plain in network for network in _NEVER if network.version == plain.version):
        return False
    if plain.is_link_local or plain.is_unspecified or plain.is_multicast or plain.is_reserved:
        return plain == ip_address("::1")
    return public_only(plain) or plain.is_private


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, if there is one: it is where the packets go."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _TRANSLATED:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return address if inner is None else inner


class Forbidden(OSError):
    """A name leads nowhere but to addresses that must not be fetched from."""


class PermittedResolver(AbstractResolver):
    """Names to permitted addresses. It is asked at each connection, so that a name that means
    something else the next time is judged by what it means then.
    """

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self._names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        kept = [each for each in found if self._permit(ip_address(each["host"].split("%")[0]))]
        if not kept:
            raise Forbidden(f"{host[:100]} leads to no permitted address")
        return kept

    async def close(self) -> None:
        await self._names.close()
