"""The service's own tests: real requests and real rules, with keys that need no ARI.

Run: ``python -m django test examples.guard_drf.tests --settings examples.guard_drf.settings``.
"""

from rest_framework.test import APISimpleTestCase

from ari.guard.django import get_ari
from ari.guard.testing import fake_keys
from examples.guard_drf.orders import orders


class OrdersTest(APISimpleTestCase):
    def setUp(self) -> None:
        orders.clear()
        self.keys = self.enterContext(fake_keys(get_ari()))

    def send_key(self, *scopes: str) -> None:
        self.client.credentials(HTTP_X_API_KEY=self.keys.create(*scopes, name="shop"))

    def test_scopes_by_method_and_action(self) -> None:
        """And each request is a row with the router's pattern."""
        self.send_key("orders:read", "orders:write")
        created = self.client.post("/orders", {"size": 3}, format="json")
        self.assertEqual((created.status_code, created.data), (201, {"size": 3, "by": "shop"}))
        self.assertEqual(self.client.get("/orders/1").data, {"size": 3, "by": "shop"})
        self.assertEqual(self.client.post("/orders", {"size": 0}, format="json").status_code, 400)
        self.assertEqual(self.client.post("/orders/clear").data["scope"], "orders:admin")
        self.send_key("orders:read")
        self.assertEqual(self.client.post("/orders", {"size": 3}, format="json").status_code, 403)
        self.assertEqual(
            [(call.method, call.route, call.status) for call in self.keys.requests],
            [
                ("POST", "/orders", 201),
                ("GET", "/orders/<pk>", 200),
                ("POST", "/orders", 400),
                ("POST", "/orders/clear", 403),
                ("POST", "/orders", 403),
            ],
        )

    def test_clients_of_djangorestframework_api_key(self) -> None:
        """They keep their header."""
        self.client.credentials(HTTP_AUTHORIZATION=f"Api-Key {self.keys.create('orders:read')}")
        self.assertEqual(self.client.get("/orders").status_code, 200)

    def test_requests_without_a_key(self) -> None:
        """The framework's response, with ARI's challenges."""
        missing = self.client.get("/orders")
        self.assertEqual((missing.status_code, missing.data["code"]), (401, "missing"))
        self.assertIn("Bearer", missing["www-authenticate"])
        self.assertEqual(self.client.get("/health").data, "ok")
