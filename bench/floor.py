"""The floor: what a proxy cannot do without, see floor_relay.cpp."""

from dataclasses import dataclass

import native
from contestant import Contestant


@dataclass(frozen=True)
class Floor(Contestant):
    name = "the floor, bytes only"

    def command(self, place):
        return [native.program("floor_relay"), place.port, place.surroundings.origin.port]
