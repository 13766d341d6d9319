"""Tokens of other makers, every form and source of keys, and docs/tokens.md, which tells what came of them."""

import pathlib

import pytest

from support.token_makers import ALGORITHMS, HMACS, MAKERS
from token_table.cells import FORMS, SOURCES
from token_table.page import page
from token_table.trial import try_everything

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
PUBLIC_KEYS = [name for name in ALGORITHMS if name not in HMACS]
# An algorithm that a maker does not know is no failure of anybody, but it must be known which.
NOT_MADE = [("Ed25519", "jsonwebtoken"), ("Ed448", "jsonwebtoken")]
# What must be accepted; nothing else may.
ACCEPTED = {
    ("environment", "raw secret"): HMACS,
    ("file", "raw secret"): HMACS,
    ("file", "JWK"): ALGORITHMS,
    ("file", "JWK Set"): ALGORITHMS,
    ("file", "PEM public key"): PUBLIC_KEYS,
    ("file", "PEM certificate"): PUBLIC_KEYS,
    ("URL", "JWK Set"): PUBLIC_KEYS,  # a secret that is published is none
    ("OpenID discovery", "JWK Set"): PUBLIC_KEYS,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return try_everything(tmp_path_factory.mktemp("tokens"))


# -- makers

@pytest.fixture(params=[(name, maker) for name in ALGORITHMS for maker in MAKERS if (name, maker) not in NOT_MADE],
                ids=" of ".join)
def exchange(request, results):
    return results.exchanges[request.param]


def test_a_token_of_another_maker_is_accepted(exchange):
    assert exchange.verified == exchange.claims
    assert (exchange.status, exchange.user) == (200, exchange.claims["sub"])


def test_one_flipped_bit_is_refused(exchange):
    assert exchange.flipped_verified is None
    assert exchange.flipped_statuses == [401, 401, 401]


def test_a_minted_token_is_accepted_by_another_verifier(exchange):
    assert exchange.minted == {"claims": exchange.claims}


def test_a_minted_token_is_refused_with_somebody_elses_key(exchange):
    assert set(exchange.minted_wrong_key) == {"error"}


def test_makers_know_every_algorithm_but_these(results):
    assert [pair for pair, exchange in results.exchanges.items() if exchange.token is None] == NOT_MADE


# -- keys

@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", SOURCES)
def test_keys_are_accepted_for_what_they_can_be_used_for(results, source, form):
    accepted = [name for name in ALGORITHMS if results.cells[name, form, source].accepted]
    assert accepted == ACCEPTED.get((source, form), []), [results.cells[name, form, source] for name in ALGORITHMS]


def test_whatever_is_not_accepted_is_refused_at_the_start_or_every_time(results):
    """Where keys come from an issuer that publishes none that can be used, the decision cannot be made."""
    for place, cell in results.cells.items():
        assert cell.accepted or cell.error or (cell.good, cell.bad) == (503, 503), (place, cell)


# -- the page

def test_the_page_tells_what_came_of_it(results):
    assert (DOCS / "tokens.md").read_text() == page(results), "run tests/token_table/page.py > docs/tokens.md"
