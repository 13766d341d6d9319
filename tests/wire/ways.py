"""The three ways in which a row's bytes are delivered. They must make no difference."""

import random

PIECES_MAX = 12


def whole(data, name):
    """In one send."""
    del name
    return [data]


def byte_by_byte(data, name):
    """Each byte in a send of its own."""
    del name
    return [data[at : at + 1] for at in range(len(data))]


def at_random(data, name):
    """Split at random, and the same for a row each time."""
    chance = random.Random(name)
    count = min(len(data) - 1, chance.randint(1, PIECES_MAX - 1))
    cuts = [0, *sorted(chance.sample(range(1, len(data)), max(count, 0))), len(data)]
    return [data[begin:end] for begin, end in zip(cuts, cuts[1:])]


WAYS = {"whole": whole, "byte by byte": byte_by_byte, "at random": at_random}
