"""ARI keys inside your own Python app: the same verification, limits and usage log as ``ari serve``, as a library.

``Ari.local()`` verifies in your process, on the data of an instance. ``Ari.remote(url, key=…)`` asks an instance.
Each framework has a module that needs nothing but the framework (and httpx2 for the remote back end, the extra
``server`` for the local one): ``ari.guard.fastapi``, ``ari.guard.starlette``, ``ari.guard.litestar``,
``ari.guard.django``, ``ari.guard.drf``, ``ari.guard.flask``.
``ari.guard.testing`` gives your tests keys without an instance.

For the authors of such modules. One request takes these steps:

1. When a route is made, ``ari.require("orders:read")`` checks its arguments and returns a ``Requirement``.
2. ``read_request(scope, requirement, route, ari.clock, started, ari.trusted_proxies)`` reads the head: the credentials,
   the client's address, and the faults that refuse a request whatever its key may do. ``route`` is the template, such
   as ``/orders/{order_id}``, never the caller's path; ``started`` is ``ari.clock.monotonic()`` at the beginning.
3. ``admission = await ari.admit(request)`` decides, and raises nothing. If ``admission.refusal`` is set, the handler
   must not run; its ``status``, ``headers`` and ``body`` are the response. Else ``admission.key`` is for the handler.
   An unsafe request, or one that consumes limits, is in the usage log before this returns.
4. ``refusal = await admission.finish(status, length)`` comes before the first byte of the response, whether accepted,
   refused or failed (an exception of the handler is a 500). If it returns a refusal, that is sent in place of the
   response: the log cannot be written. ``admission.headers`` are added to the response of an admitted request.
5. If the app ends without a response, also with an exception that isn't an ``Exception``, the server sends a 500, so
   ``admission.finish(500, None)`` comes before that leaves the module. For a client that hung up the status is 499.
   Where nothing can be waited for, ``admission.complete(499)``.

A WSGI module does the same with ``ari.run(ari.admit(request))`` and ``ari.run(admission.finish(status, length))``: one
thread for each process, started after the fork, runs an event loop for it.
"""

from ari.base.errors import ConfigurationError
from ari.guard.backend import Admission, GuardRequest, read_request
from ari.guard.entry import Ari
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key, KeyConsumer

__all__ = [
    "Admission",
    "Ari",
    "ConfigurationError",
    "GuardRequest",
    "Key",
    "KeyConsumer",
    "Refusal",
    "Requirement",
    "read_request",
]
