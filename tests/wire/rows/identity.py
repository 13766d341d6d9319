"""No spelling of an identity header gets past, and no credential can be read in two ways."""

from support import tokens
from wire.row import (
    CHUNKED, CLOSES, arrives, chunked, get, invalid_token, own, post, refused, request, row, unauthenticated,
)

TITLE = "Identity and credentials"

# Valid until 2100, and so the same bytes in every run. The page shows them by these names.
_UNTIL_2100 = 4102444800
NAMED = {
    "token": tokens.token(exp=_UNTIL_2100),
    "other token": tokens.token(subject="7", exp=_UNTIL_2100),
    "expired token": tokens.token(exp=1),
    "token of another key": tokens.token(key="another-signing-key-that-is-long-enough", exp=_UNTIL_2100),
    "unsigned token": tokens.unsigned(exp=_UNTIL_2100),
    "token with a line end": tokens.token(exp=_UNTIL_2100, tenant="a\r\nX-User-Type: admin"),
    "token with a tenant": tokens.token(exp=_UNTIL_2100, tenant=" \xe9%, b "),
    "token of a subject with dots": tokens.token(subject="..", exp=_UNTIL_2100),
}
TOKEN, OTHER, EXPIRED = NAMED["token"], NAMED["other token"], NAMED["expired token"]
COOKIE, BEARER = f"Cookie: access_token={TOKEN}", f"Authorization: Bearer {TOKEN}"
KNOWN = ("X-User-Id: 42", "X-User-Type: staff", "X-Auth-Method: staff")

_WHO = "docs/requests.md: Who is calling"
_FORGED = "docs/requests.md: What is forwarded"
_ANSWERS = "docs/requests.md: Answers that Sidegate makes"
_HERE = {"gateway": "identity", "ours": True}


def _accepted(name, source, *fields, target="/admin", passed=None, injected=KNOWN, **more):
    passed = fields if passed is None else passed
    return row(name, source, get(target, *fields), arrives(f"GET {target}", *passed, injected=injected), **_HERE, **more)


def _ambiguous(name, source, *fields):
    return refused(name, source, get("/admin", *fields), **_HERE)


def _unauthenticated(name, source, *fields, target="/admin"):
    return row(name, source, get(target, *fields), b"", unauthenticated(), **_HERE)


def _invalid(name, source, *fields):
    return row(name, source, get("/admin", *fields), b"", invalid_token(), **_HERE)


def _anonymous(name, source, *fields, passed=(), target="/public"):
    """On a route that asks for no credential: nothing of an identity arrives."""
    return row(name, source, get(target, *fields), arrives(f"GET {target}", *passed), **_HERE)


_FORGERIES = [
    ("X-User-Id: 1", "CVE-2026-30851"), ("x-user-id: 1", "RFC 9110 §5.1"), ("X_User_Id: 1", "CVE-2025-64484"),
    ("X_USER-Id: 1", "CVE-2025-64484"), ("X.User.Id: 1", "CVE-2026-39858"), ("X-User-Type: admin", "CVE-2026-31908"),
    ("X-User-Anything: 1", _FORGED), ("X-Auth-Method: x", "CVE-2026-39998"), ("X-Auth-Anything: 1", _FORGED),
    ("X-Tenant: 1", _FORGED), ("X!User!Id: 1", "CVE-2026-52845"),
]

ROWS = [
    *(_anonymous(f"{field.partition(':')[0]} of a caller that nobody knows", source, field)
      for field, source in _FORGERIES),
    *(row(f"{field.partition(':')[0]} of a caller that is known", source, get("/admin", field, BEARER),
          arrives("GET /admin", BEARER, injected=KNOWN), **_HERE)
      for field, source in _FORGERIES),
    row("Connection cannot name an identity header away", "GHSA-w9mr-28mw-j8hg",
        get("/admin", BEARER, "Connection: X-User-Id, X-User-Type"), arrives("GET /admin", BEARER, injected=KNOWN),
        **_HERE),
    row("identity headers in trailers", _FORGED,
        post(CHUNKED, BEARER, target="/admin",
             body=chunked(b"abc", trailers=["X-User-Id: 1", "X_User_Type: admin", "X-Sum: 1"])),
        arrives("POST /admin", BEARER, CHUNKED, injected=KNOWN, body=b"{chunks abc}0\r\nX-Sum: 1\r\n\r\n"), **_HERE),
    _accepted("bearer", "RFC 6750 §2.1", BEARER),
    _accepted("bearer in other letters", "RFC 9110 §11.1", f"authorization: bEARER {TOKEN}"),
    _accepted("bearer with blanks before the token", "RFC 9110 §11.4", f"Authorization: Bearer   {TOKEN}"),
    _accepted("cookie", "RFC 6265 §4.2", COOKIE),
    _accepted("cookie among others", "RFC 6265 §4.2", f"Cookie: a=1; access_token={TOKEN}; b=2"),
    _accepted("cookie in the second field", "RFC 6265 §5.4", "Cookie: a=1", COOKIE),
    _accepted("cookie twice with the same value", _WHO, f"{COOKIE}; access_token={TOKEN}"),
    _accepted("cookie whose name differs in letter case is another one", "RFC 6265 §5.3",
              f"Cookie: ACCESS_TOKEN={OTHER}; access_token={TOKEN}"),
    _accepted("the cookie decides, and the bearer token goes no further", _WHO, COOKIE,
              f"Authorization: Bearer {OTHER}", passed=[COOKIE]),
    _accepted("an empty cookie is none, and goes no further", _WHO, "Cookie: access_token=", BEARER, passed=[BEARER]),
    _accepted("the credential is withheld", _WHO, BEARER, target="/withheld/x", passed=[]),
    _accepted("the cookie alone is withheld", _WHO, f"Cookie: a=1; access_token={TOKEN}; b=2", target="/withheld/x",
              passed=[], injected=(*KNOWN, "Cookie: a=1; b=2")),
    _accepted("a value is encoded where it needs to be", "CVE-2023-27493; docs/configuration.md: Templates",
              f"Authorization: Bearer {NAMED['token with a tenant']}",
              injected=(*KNOWN, "X-Tenant: %20%C3%A9%25, b%20")),
    _anonymous("a credential is not looked at where none is asked for", _WHO, f"Authorization: Bearer {EXPIRED}",
               passed=[f"Authorization: Bearer {EXPIRED}"]),
    _anonymous("no credential where it is optional", _WHO, target="/optional/x"),
    _accepted("a credential where it is optional", _WHO, BEARER, target="/optional/x"),
    _unauthenticated("no credential", _WHO),
    _unauthenticated("Bearer alone", _WHO, "Authorization: Bearer"),
    _unauthenticated("another scheme", _WHO, "Authorization: Basic eDp5"),
    _unauthenticated("an empty cookie", _WHO, "Cookie: access_token="),
    _unauthenticated("another cookie", _WHO, f"Cookie: access_tokens={TOKEN}"),
    _unauthenticated("a token in the query", "RFC 6750 §2.3", target=f"/admin?access_token={TOKEN}"),
    _unauthenticated("dots cannot lead around", "CVE-2019-9901", target="/public/../admin"),
    _unauthenticated("encoded dots cannot lead around", "CVE-2019-9901", target="/public/%2e%2e/admin"),
    _unauthenticated("slashes cannot lead around", "CVE-2021-29492", target="//admin"),
    _unauthenticated("encoded letters cannot lead around", "GHSA-p224-6x5r-fjpm", target="/%61dmin"),
    _unauthenticated("a query cannot lead around", "GHSA-7rh7-c77v-6434", target="/admin?x=/public/y"),
    _unauthenticated("an absolute target cannot lead around", "RFC 9112 §3.2.2",
                     target="http://example/public/../admin"),
    _unauthenticated("an encoded number sign cannot lead around", "CVE-2026-41059", target="/public%23/../admin"),
    *(row(f"the host {host} of a route with a credential", source, get("/public", host=host), b"", unauthenticated(),
          **_HERE)
      for host, source in (("secret.example", _WHO), ("SECRET.Example", "CVE-2021-39155; CVE-2026-48794"),
                           ("secret.example.", "CVE-2021-39155"), ("secret.example:80", "CVE-2021-39155"))),
    row("a dot of a host is no wildcard", "CVE-2026-39350", get("/public", host="secretxexample"),
        arrives("GET /public", host="secretxexample"), **_HERE),
    _invalid("expired", _WHO, f"Authorization: Bearer {EXPIRED}"),
    _invalid("signed with another key", _WHO, f"Authorization: Bearer {NAMED['token of another key']}"),
    _invalid("not signed", _WHO, f"Authorization: Bearer {NAMED['unsigned token']}"),
    _invalid("no token at all", "CVE-2022-29226", "Authorization: Bearer nonsense"),
    _invalid("a line end in a claim that is injected", "CVE-2026-31908",
             f"Authorization: Bearer {NAMED['token with a line end']}"),
    _invalid("a subject that is a way up", _WHO, f"Authorization: Bearer {NAMED['token of a subject with dots']}"),
    _invalid("a bad cookie is not passed over for a good bearer token", "ISTIO-SECURITY-2021-001",
             "Cookie: access_token=nonsense", BEARER),
    _invalid("a bad credential is not passed over where it is optional", "ISTIO-SECURITY-2021-001",
             f"Authorization: Bearer {EXPIRED}"),
    _ambiguous("two Authorization fields", "CVE-2021-32777", BEARER, BEARER),
    _ambiguous("two Authorization fields of different schemes", "CVE-2021-32777", "Authorization: Basic eDp5", BEARER),
    _ambiguous("two Authorization fields beside a cookie", "CVE-2021-32777", COOKIE, BEARER, "Authorization: x"),
    _ambiguous("cookie twice with different values", _WHO, f"{COOKIE}; access_token={OTHER}"),
    _ambiguous("cookie twice with different values, in two fields", _WHO, COOKIE, f"Cookie: access_token={OTHER}"),
    _ambiguous("cookie twice, once empty", _WHO, f"{COOKIE}; access_token="),
    _ambiguous("cookie in quotes", _WHO, f'Cookie: access_token="{TOKEN}"'),
    _ambiguous("cookie whose name some take for it", _WHO, f"{COOKIE}; access.token={OTHER}"),
    _ambiguous("cookie whose name is in quotes", _WHO, f'{COOKIE}; "access_token"={OTHER}'),
    _ambiguous("cookie whose name ends in a blank of Unicode", _WHO, f"{COOKIE}; access_token\xc2\xa0={OTHER}"),
    _ambiguous("cookie whose name some take for it, beside a bearer token", _WHO, f"Cookie: access[token={OTHER}",
               BEARER),
    row("a cookie used by another site", _WHO, request("DELETE /admin", COOKIE, "Origin: http://evil.example"), b"",
        own(403, closes=False), **_HERE),
    row("a cookie used by another site to upgrade", _WHO,
        get("/admin", COOKIE, "Origin: http://evil.example", "Connection: Upgrade", "Upgrade: websocket"), b"",
        own(403, closes=False), **_HERE),
    row("a cookie used by a page of one's own", _WHO, request("DELETE /admin", COOKIE, "Origin: http://example"),
        arrives("DELETE /admin", COOKIE, "Origin: http://example", injected=KNOWN), **_HERE),
    row("a cookie used by another site where that is allowed", _WHO,
        request("DELETE /anywhere/x", COOKIE, "Origin: http://evil.example"),
        arrives("DELETE /anywhere/x", COOKIE, "Origin: http://evil.example", injected=KNOWN), **_HERE),
    row("no route", _ANSWERS, get("/nowhere"), b"", own(404, closes=False), **_HERE),
    row("no route for HEAD", "RFC 9110 §9.3.2", request("HEAD /nowhere"), b"", own(404, closes=False, head=True),
        **_HERE),
    row("no such method on a route", "RFC 9110 §15.5.6", request("DELETE /read/x", COOKIE), b"",
        own(405, "Allow: GET, HEAD", closes=False), **_HERE),
    row("a path that a client cannot mean otherwise", "CVE-2021-32779", get("/public#/../admin"), b"", own(400),
        ends=CLOSES, **_HERE),
]
