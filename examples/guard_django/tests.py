"""The service's own tests: real requests and real rules, with keys that need no ARI.

Run: ``python -m django test examples.guard_django.tests --settings examples.guard_django.settings``.
"""

from django.core.checks import run_checks
from django.test import SimpleTestCase

from ari.guard.django import get_ari
from ari.guard.testing import fake_keys
from examples.guard_django.orders import orders


class OrdersTest(SimpleTestCase):
    def setUp(self) -> None:
        orders.clear()
        self.keys = self.enterContext(fake_keys(get_ari()))
        self.reader = {"x-api-key": self.keys.create("orders:read", name="reader")}
        self.writer = {"x-api-key": self.keys.create("orders:*", name="shop")}

    def test_methods_have_their_own_scopes(self) -> None:
        """And each request is a row with the URL's pattern."""
        self.assertEqual(self.client.post("/orders", headers=self.writer).json(), {"order": 1})
        self.assertEqual(self.client.get("/orders", headers=self.reader).json(), {"orders": ["shop"]})
        self.assertEqual(self.client.post("/orders", headers=self.reader).json()["code"], "insufficient_scope")
        self.assertEqual(self.client.get("/orders/1", headers=self.reader).json(), {"name": "shop", "mine": False})
        self.assertEqual(self.client.get("/orders/2", headers=self.reader).status_code, 404)
        exported = self.client.get("/exports/2026", headers=self.reader)
        self.assertEqual(b"".join(exported.streaming_content), b"2026 shop\n")
        self.assertEqual(
            [(call.method, call.route, call.status) for call in self.keys.requests],
            [
                ("POST", "/orders", 201),
                ("GET", "/orders", 200),
                ("POST", "/orders", 403),
                ("GET", "/orders/<int:number>", 200),
                ("GET", "/orders/<int:number>", 404),
                ("GET", "/exports/<int:year>", 200),
            ],
        )

    def test_keys_that_are_refused(self) -> None:
        """Without a key, with a revoked one, and while ARI is unavailable."""
        missing = self.client.get("/orders")
        self.assertEqual((missing.status_code, missing["content-type"]), (401, "application/problem+json"))
        self.keys.revoke(self.reader["x-api-key"])
        self.assertEqual(self.client.get("/orders", headers=self.reader).json()["code"], "revoked")
        with self.keys.refuse_all("unavailable"):
            self.assertEqual(self.client.get("/orders", headers=self.writer).status_code, 503)
        self.assertEqual(self.client.get("/health").content, b"ok")

    async def test_async_requests(self) -> None:
        """The same, served over ASGI."""
        await self.async_client.post("/orders", headers=self.writer)
        found = await self.async_client.get("/orders/1", headers=self.reader)
        self.assertEqual(found.json()["name"], "shop")

    def test_the_project_passes_its_checks(self) -> None:
        """The middleware is there, and first."""
        self.assertEqual(run_checks(tags=["security"]), [])
