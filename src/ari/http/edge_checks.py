"""Checks before authentication: address, host, shape of the head."""

from urllib.parse import urlsplit

from ari.base.settings import LOOPBACK_NAMES, Settings
from ari.http.client_address import Address, Client, ClientFinder, within
from ari.http.context import RequestContext
from ari.http.credentials import CONTRADICTION
from ari.http.problem import Fault
from ari.http.request_head import INVALID_REQUEST, RequestHead, head_fault, host_fault, query_fault
from ari.keys.reasons import IP_NOT_ALLOWED, REQUEST_ERRORS

_PROBES = ("/api/health", "/api/ready")


class EdgeChecks:
    """The instance's own rules about addresses, hosts and heads."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_ips
        self._clients = ClientFinder(settings.trusted_proxies)
        self.trusts = self._clients.trusts
        own = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        own_name = own.rpartition(":")[0] if own.rpartition(":")[2].isdigit() else own
        self._hosts = frozenset((own_name, *LOOPBACK_NAMES, *settings.allowed_hosts))
        self._base_url = settings.base_url

    def client_of(self, peer: str | None, head: RequestHead) -> Client:
        """The client; ``peer`` is the address that the connection comes from."""
        return self._clients.find(peer, head.lines(b"x-forwarded-for"))

    def check(self, context: RequestContext) -> Fault | None:
        """The first fault of the request."""
        fault = self.fault(context.head, context.client.address)
        if fault is None and context.keys_in_url:
            return Fault(REQUEST_ERRORS["key_in_url"])
        if fault is None and context.credentials.is_contradictory:
            return Fault(INVALID_REQUEST, CONTRADICTION)
        return fault

    def fault(self, head: RequestHead, address: Address | None) -> Fault | None:
        """The first fault of the head and the address; health probes may come from anywhere."""
        if head.path in _PROBES:
            return head_fault(head)
        if self._allowed and (address is None or not within(address, self._allowed)):
            return Fault(IP_NOT_ALLOWED)
        return query_fault(head) or head_fault(head) or host_fault(head, self._hosts, self._base_url)
