#!/usr/bin/python3
"""Tries every algorithm, form and source of keys, and other makers' tokens, with the built program (SIDEGATE_BINARY, or
build/release/sidegate), and writes docs/tokens.md, what came of it as a page, to standard output:

    /usr/bin/python3 tests/token_table/page.py > docs/tokens.md
"""

import pathlib
import re
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "peers")]

from support.token_makers import ALGORITHMS, MAKERS, npm_versions  # noqa: E402
from token_table.cells import FORMS, SOURCES  # noqa: E402
from token_table.trial import try_everything  # noqa: E402

INTRODUCTION = """\
# Tokens: algorithms, keys, and other makers

<!-- Made by tests/token_table/page.py, which tries it all with the built program. To try again:
     /usr/bin/python3 tests/token_table/page.py > docs/tokens.md -->

Nothing here is typed in. Every cell was tried with the built program, and
[test_token_interop.py](../tests/e2e/test_token_interop.py) tries all of them again with each run of the tests: it fails
where one has changed, and where this page no longer says what happens. [Configuration](configuration.md#keys) has the
rules behind it. Ed25519 and Ed448 are the two curves of `EdDSA`.

## Keys: what they are for, their form, and where they come from

The authenticator has this one key and this one algorithm. **yes**: a token that was signed with the key reached the
application through a running gateway, and the same token with one bit of its signature changed was answered 401. *no*:
it was refused, and the number says [why](#why-not).

An HMAC has no public key. In its rows somebody's stands in its place, and the token is an HMAC for which that text was
the secret. In the other rows the raw secret is one of 64 bytes.
"""

CONFIGURED_AS = {
    "environment": "`{secret: {env: NAME}}`: a variable holds a secret, and nothing else.",
    "file": "`{secret: {file: PATH}}`, `{jwk_file: PATH}`, `{jwks_file: PATH}`, and for any PEM `{pem_file: PATH}`.",
    "URL": "`{jwks_url: URL}`: what is published there is a JWK Set.",
    "OpenID discovery": "`{oidc_issuer: URL}`: the same, at the `jwks_uri` of its discovery document.",
}

OTHER_MAKERS = """\
## Other makers

**both ways**: a token that it made is verified by `sidegate token verify`, which prints the claims that went in, and by
a gateway, which tells the application its subject; with one bit changed in the header, the payload or the signature it
is refused. It verifies the token that `sidegate token mint` made, reads the same claims, and refuses it with another
key. **not made**: it has no such algorithm. {makers}
"""

STATUSES = {
    503: "503 to every token: what is published there is no set of keys",
    401: "401 to every token",
}


def page(results):
    why = _Reasons()
    tables = [_source_table(results.cells, source, why) for source in SOURCES]
    makers = (f"PyJWT is Debian's; jose {npm_versions()['jose']} and jsonwebtoken {npm_versions()['jsonwebtoken']} are "
              "npm's.")
    return "\n".join([INTRODUCTION, *tables, "### Why not\n", *why.lines(), "", OTHER_MAKERS.format(makers=makers),
                      _maker_table(results.exchanges)])


class _Reasons:
    """Numbers the reasons in the order in which they come up."""

    def __init__(self):
        self._numbers = {}

    def number(self, algorithm, cell):
        return self._numbers.setdefault(self._reason(algorithm, cell), len(self._numbers) + 1)

    def lines(self):
        return [f"{number}. {reason}" for reason, number in self._numbers.items()]

    @staticmethod
    def _reason(algorithm, cell):
        """The same one for every algorithm that it names."""
        if cell.error:
            return "The configuration is refused: " + re.sub(rf"\b({algorithm}|EdDSA)\b", "…", cell.error)
        if cell.good == cell.bad and cell.good in STATUSES:
            return STATUSES[cell.good]
        return f"{cell.good} to a good token, {cell.bad} to one of another signature"


def _source_table(cells, source, why):
    def told(algorithm, form):
        cell = cells[algorithm, form, source]
        return "**yes**" if cell.accepted else f"no: {why.number(algorithm, cell)}"

    rows = [[algorithm, *(told(algorithm, form) for form in FORMS)] for algorithm in ALGORITHMS]
    return "\n".join([f"### From {_with_article(source)}", "", CONFIGURED_AS[source], "", *_table(FORMS, rows)])


def _with_article(source):
    return {"environment": "the environment", "OpenID discovery": source}.get(source, f"a {source}")


def _maker_table(exchanges):
    def told(exchange):
        if exchange.token is None:
            return "not made"
        return "both ways" if exchange.holds else "**fails**"

    rows = [[algorithm, *(told(exchanges[algorithm, maker]) for maker in MAKERS)] for algorithm in ALGORITHMS]
    return "\n".join(_table(MAKERS, rows))


def _table(columns, rows):
    lines = [["", *columns], ["---"] * (len(columns) + 1), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(page(try_everything(pathlib.Path(folder))))
