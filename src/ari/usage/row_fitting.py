"""Makes rows fit for the log: clean, and few in a flood."""

import threading

from ari.base.clock import Clock
from ari.base.settings import Settings
from ari.usage.cleaning import clean_row
from ari.usage.floods import RefusalFlood, ServiceRoutes
from ari.usage.model import UsageRow


class RowFitter:
    """One for all threads of a process, since the bounds of floods hold for the process."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._addresses = settings.usage_addresses
        self._refusals = RefusalFlood()
        self._service_routes = ServiceRoutes()
        self._lock = threading.Lock()

    def fit(self, row: UsageRow, *, list_refusals: bool) -> UsageRow:
        """The row to write: ``row``, cleaned, or that of its flood."""
        clean_row(row, self._addresses)
        if row.source == "request" and row.accepted:
            return row
        with self._lock:
            if row.source != "request":
                row.route = self._service_routes.name_for(row.route, self._clock.now_ms())
            if row.accepted:
                return row
            return self._refusals.row_for(row, self._clock.now_ms(), list_it=list_refusals)
