"""Everything that docs/tokens.md tells, tried with the built program."""

from dataclasses import dataclass

from support.gateway import Gateways
from support.token_makers import ALGORITHMS, TokenKey
from token_table.cells import cells
from token_table.exchange import exchanges


@dataclass(frozen=True)
class Results:
    cells: dict  # a Cell by (algorithm, form, source)
    exchanges: dict  # an Exchange by (algorithm, maker)


def try_everything(folder):
    """Starts its own gateways, and ends them."""
    keys = {name: TokenKey(name) for name in ALGORITHMS}
    gateways = Gateways(folder)
    try:
        return Results(cells(gateways, folder, keys), exchanges(gateways, folder, keys))
    finally:
        gateways.stop_all()
