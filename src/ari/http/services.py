"""The services that the stages of a request use. Created once per process, when it starts to serve."""

from collections.abc import Callable
from dataclasses import dataclass

from ari.accounts.work_queue import WorkQueue
from ari.base.clock import Clock
from ari.base.settings import Settings
from ari.http.context import RequestContext
from ari.http.edge_checks import EdgeChecks
from ari.http.expiry_stamper import ExpiryStamper
from ari.http.problem import Fault
from ari.http.secret_rehasher import SecretRehasher
from ari.http.security_events import SecurityEvents
from ari.http.security_headers import SecurityHeaders
from ari.http.slow_requests import SlowRequests
from ari.usage.ports import KeyLookup
from ari.usage.recorder import UsageRecorder
from ari.usage.route_names import RouteNames

ErrorPage = Callable[[RequestContext, Fault], bytes]
"""Renders a fault as HTML; the web door brings it."""


@dataclass(frozen=True, slots=True)
class Services:
    """``lookup`` finds keys and their totals, ``recorder`` commits usage, ``events`` writes security events.

    ``route_names`` names the routes of APIs behind a proxy that asks ``/api/forward-auth``.

    ``large_bodies`` gives strangers turns to send bodies of more than ``MAX_BODY_BYTES``, which take memory.
    """

    settings: Settings
    clock: Clock
    lookup: KeyLookup
    recorder: UsageRecorder
    expiry_stamper: ExpiryStamper
    rehasher: SecretRehasher
    edge_checks: EdgeChecks
    security_headers: SecurityHeaders
    events: SecurityEvents
    route_names: RouteNames
    large_bodies: WorkQueue
    slow_requests: SlowRequests
    error_page: ErrorPage
