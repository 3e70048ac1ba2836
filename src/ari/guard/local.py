"""The local back end: verifies, decides limits and writes the usage log in this process, on an instance's data.

Only this module and those named after it need ARI's server, which is imported when the back end opens. The process that
serves ``ari serve`` may run at the same time, or not at all; emails, retention and the audit log's upkeep are left to
it.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ari.base.addresses import Network
from ari.base.clock import Clock, SystemClock
from ari.base.errors import ConfigurationError, Invalid, LimitExceeded, Unavailable
from ari.base.extras import how_to_install
from ari.guard.backend import CLIENT_GONE, Admission, GuardRequest, refuse_all
from ari.guard.local_admission import LocalAdmission, ThreadAdmission
from ari.guard.local_engine import LocalEngine, close_engine, start_engine
from ari.guard.per_loop import PerLoop
from ari.guard.requirement import Requirement
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.instance import Instance

_NO_SERVER = f"Ari.local() runs ARI in this process, which needs its server. {how_to_install('server')}"
_log = logging.getLogger("ari.guard")


class LocalBackend:
    """Works on a data directory or a database, by default those of the environment (``ARI_DATA_DIR``, …)."""

    def __init__(
        self, data_dir: Path | None, database_url: str | None, trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self.clock: Clock = SystemClock()
        self.trusted_proxies = trusted_proxies
        self._data_dir = data_dir
        self._database_url = database_url
        self._engines = PerLoop(self._open_engine, close_engine)

    async def open(self, scopes: Sequence[str] = ()) -> None:
        engine = await self._engines.get()
        doubtful = find_not_built_in(scopes)
        try:
            undeclared = await engine.lookup.find_undeclared(doubtful) if doubtful else set()
        except Unavailable:
            return  # requests get a 503 until it is available
        if undeclared:
            _log.error("Scopes that this app requires aren't declared: %s. %s", ", ".join(undeclared), HOW_TO_DECLARE)

    async def close(self) -> None:
        await self._engines.close()

    def check(self, requirement: Requirement) -> None:
        """Every requirement can be kept."""

    def find_missing_data(self) -> Path | None:
        """The data directory, if there is no instance in it. Raises ``ConfigurationError`` for wrong settings."""
        try:
            from ari.base.settings import load_settings  # noqa: PLC0415 - the extra "server"
            from ari.instance import find_missing_data  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ConfigurationError(_NO_SERVER) from error
        return find_missing_data(load_settings(data_dir=self._data_dir, database_url=self._database_url))

    async def admit(self, request: GuardRequest) -> Admission:
        engine = self._engines.find()
        if engine is None:
            try:
                engine = await self._engines.get()
            except Exception as error:  # noqa: BLE001 - nothing can be decided, whatever the reason
                _log.error("ARI's data can't be opened; requests get a 503. %s", error)
                return refuse_all(request)
        admission = LocalAdmission(request, engine)
        try:
            await admission.decide()
        except (Unavailable, LimitExceeded, Invalid) as error:
            admission.refuse_for(error)
        except BaseException:  # canceled
            admission.complete(CLIENT_GONE)
            raise
        return admission

    def admit_at_once(self, request: GuardRequest, loop: asyncio.AbstractEventLoop) -> Admission | None:
        engine = self._engines.find(loop)
        if (
            engine is None
            or engine.threads is None
            or not engine.threads.are_of_this_process
            or request.fault is not None
        ):
            return None
        admission = ThreadAdmission(request, engine, engine.threads)
        try:
            return admission if admission.try_to_admit() else None
        except (Unavailable, Invalid) as error:
            admission.refuse_for(error)
        except BaseException:  # a time limit of the server, or its end
            admission.complete(CLIENT_GONE)
            raise
        return admission

    async def _open_engine(self) -> LocalEngine:
        instance = await asyncio.to_thread(self._open_instance)
        self.clock = instance.clock
        try:
            return await start_engine(instance)
        except BaseException:
            instance.close()
            raise

    def _open_instance(self) -> "Instance":
        try:
            from ari.base.settings import load_settings  # noqa: PLC0415 - the extra "server"
            from ari.instance import Instance  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ConfigurationError(_NO_SERVER) from error
        mask = os.umask(0o077)  # opening sets it for the process, whose other files are not ARI's
        try:
            settings: Settings = load_settings(data_dir=self._data_dir, database_url=self._database_url)
            return Instance.open(settings, must_exist=True)
        finally:
            os.umask(mask)
