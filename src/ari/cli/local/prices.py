"""The own prices of the instance in the data directory."""

from typing import TYPE_CHECKING, Any

from ari.prices.replace import get_prices, replace_prices

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalPrices:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def get(self) -> dict[str, Any]:
        return self._deps.read_sync(get_prices)

    def replace(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return self._deps.do_sync(replace_prices, wanted)
