"""The schema for editors, config/sidegate.schema.json: it knows the keys that the program knows, and refuses what the
file alone shows to be wrong. And the wrong examples of config/invalid: what the program says of each."""

import copy
import json
import re

import jsonschema
import pytest
import yaml

from support.gateway import ROOT, sidegate
from test_readme import blocks

CONFIG = ROOT / "config"
SCHEMA = json.loads((CONFIG / "sidegate.schema.json").read_text())
EXAMPLES = sorted(CONFIG.glob("*.yaml"))
WRONG = {str(path.relative_to(CONFIG / "invalid").with_suffix("")): path
         for path in sorted((CONFIG / "invalid").rglob("*.yaml"))}
STRONG_KEY = "0123456789abcdef" * 4  # as long as the longest hash
ENVIRONMENT = {"JWT_KEY": STRONG_KEY, "OLD_JWT_KEY": STRONG_KEY, "EMPTY": "", "PASSWORD": "hunter2",
               "AUTH_SERVICE_URL": "https://auth.example", "AUTH_API_KEY": "hunter3", "AUTH_TOKEN": "hunter4",
               "AUTH_PASSWORD": "hunter5", "CLIENT_SECRET": "hunter6", "TWO_WORDS": "hunter hunter"}

# The wrong examples that the schema lets pass, by the reason. All others it must refuse.
ONLY_THE_PROGRAM_SEES = {
    "this is no YAML, or more than one document: the editor says so, with or without a schema": [
        "alias-instead-of-wildcard", "quote-not-closed", "quotes-missing-at-ipv6", "tab-indentation", "two-documents",
    ],
    "a schema sees the values that were read, not how they were written": ["anchors", "duplicate-key"],
    "one part speaks of another": [
        "duplicate-route-name", "every-listener-taken", "optional-without-authenticators", "unknown-authenticator",
        "unknown-listener", "unknown-upstream", "upstream-as-url", "route-never-matches",
        "strip-prefix-of-another-path", "refresh-for-a-service", "refresh-for-unknown", "refresh-name-taken",
        "refresh-of-another-cookie", "user-info-for-others", "user-info-for-unknown", "user-info-misspelt",
        "user-info-named-as-an-authenticator", "user-info-of-nobody", "user-info-unknown",
        "user-placeholder-without-user-info",
    ],
    "two values do not fit each other": [
        "admin-off-loopback", "algorithm-of-public-keys", "authenticator-never-asked", "issuer-over-http",
        "issuer-with-secret-algorithm", "memory-smaller-than-heads", "same-address", "server-listed-twice",
        "refresh-shorter-than-cooldown", "shutdown-shorter-than-grace", "trusted-proxies-on-unix",
        "weak-allowed-for-a-pem", "introspection-key-without-its-auth", "introspection-secret-with-key-auth",
        "refresh-by-the-same-cookie", "remote-over-http", "remote-two-authorizations", "user-info-batch-elsewhere",
    ],
    "how large the number in a text is": [
        "memory-too-small", "port-out-of-range", "trusted-proxies-host-bits", "breaker-window-zero",
        "cache-for-a-week", "refresh-threshold-with-fraction", "refresh-threshold-zero", "remote-timeout-zero",
    ],
    "header names are the same in any letter case": [
        "inject-forwarded", "inject-host", "inject-same-header", "inject-same-header-other-case", "credential-in-host",
    ],
    "which machines an address is of": ["issuer-link-local", "remote-link-local"],
    "it depends on the environment or on another file": [
        "revocations-in-no-folder", "issuer-ca-without-certificate", "key-empty", "key-file-is-a-set",
        "key-file-is-no-pem", "key-file-missing", "key-file-of-another-type", "key-file-private", "key-file-too-short",
        "key-variable-not-set", "public-key-as-secret", "revocations-file-is-broken", "variable-holds-no-number",
        "variable-instead-of-placeholder", "variable-not-set", "variable-with-wrong-default",
        "credential-of-two-words", "credential-variable-not-set", "tls-ca-missing", "tls-ca-without-certificate",
        "tls-certificate-is-a-key",
    ],
    "how good a secret is": ["secret-too-short"],
}

# Every block that must be there, or that needs some key of its own once it is there, and what another key needs.
DOCUMENT = {
    "version": 1,
    "listeners": {"public": {"address": "127.0.0.1:8080", "trusted_proxies": ["127.0.0.1"]}},
    "admin": {"address": "127.0.0.1:9901"},
    "health": {"address": "127.0.0.1:9902"},
    "upstreams": {"app": {"servers": [{"url": "http://127.0.0.1:8000"}]}},
    "authenticators": {"staff": {"jwt": {
        "token": [{"cookie": "access_token"}],
        "keys": [{"secret": {"env": "JWT_KEY"}}],
        "algorithms": ["HS256"],
    }}},
    "user_info": {"directory": {
        "for": ["staff"],
        "url": "https://auth.example/users/{subject}/",
        "credential": {"api_key": {"header": "X-API-Key", "value": {"env": "AUTH_API_KEY"}}},
    }},
    "session_refresh": {"for": ["staff"], "url": "https://auth.example/refresh/"},
    "routes": [{"path": "/**", "authenticate": ["staff"], "upstream": "app"}],
}
# The same with keys that an issuer publishes, for what belongs to such keys only.
ISSUED = copy.deepcopy(DOCUMENT)
ISSUED["authenticators"]["staff"]["jwt"] |= {
    "keys": [{"jwks_url": "https://issuer.example/jwks"}],
    "algorithms": ["RS256"],
    "issuer": "https://issuer.example",
    "audience": ["tickets"],
}


def asking(**kind):
    """The same with an authenticator that comes first and asks a service."""
    document = copy.deepcopy(DOCUMENT)
    document["authenticators"] = {"session": kind, **document["authenticators"]}
    document["routes"][0]["authenticate"] = ["session"]
    return document


VALIDATING = asking(remote={"token": [{"bearer": "Authorization"}], "url": "https://auth.example/validate/"})
INTROSPECTING = asking(introspection={
    "token": [{"bearer": "Authorization"}],
    "url": "https://auth.example/introspect",
    "client": {"id": "sidegate", "secret": {"env": "CLIENT_SECRET"}},
})
DOCUMENTS = {
    "of secrets": DOCUMENT, "of issuers": ISSUED, "of a service": VALIDATING, "of introspection": INTROSPECTING,
}


class Reader(yaml.SafeLoader):
    """YAML 1.2, as editors and the program read it; PyYAML reads 1.1, in which `yes` is true."""

    yaml_implicit_resolvers = {}


Reader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
for kind, pattern, beginnings in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]*", "-+0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
):
    Reader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"^(?:{pattern})$"), list(beginnings))


def read(text):
    return yaml.load(text, Reader)


def complaints(document):
    """What the schema has against it."""
    errors = jsonschema.Draft7Validator(SCHEMA).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in errors]


def check(document, folder, *words):
    path = folder / "sidegate.yaml"
    path.write_text(json.dumps(document))  # JSON is YAML
    return sidegate("check", "--config", path, *words, environment=ENVIRONMENT)


# -- the schema, walked. A path is a tuple of keys, with ANY_NAME for a name that a user chose and ITEM for an item.

ANY_NAME, ITEM = "*", "[]"


def parts(schema):
    """The schema with all that it is put together from."""
    yield schema
    if "$ref" in schema:
        yield from parts(SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]])
    for part in schema.get("allOf", []) + schema.get("anyOf", []):
        yield from parts(part)


def objects(schema=SCHEMA, path=()):
    """(path, schema) of each object that has keys of ours."""
    for part in parts(schema):
        if "properties" in part:
            yield path, part
        for key, value in part.get("properties", {}).items():
            yield from objects(value, (*path, key))
        if isinstance(part.get("additionalProperties"), dict):
            yield from objects(part["additionalProperties"], (*path, ANY_NAME))
        if "items" in part:
            yield from objects(part["items"], (*path, ITEM))


KEYS = {(*path, key): value for path, schema in objects() for key, value in schema["properties"].items()}


def suggestions(schema):
    """The values that an editor may offer."""
    found = []
    for part in parts(schema):
        found += [part["default"]] if "default" in part else []
        found += part.get("enum", []) + part.get("examples", [])
        found += [True, False] if "boolean" in part.get("type", []) and "number" not in part["type"] else []
    return found


def begun(path):
    """A block with what it needs to have."""
    return {key: suggestions(KEYS[(*path, key)])[0]
            for owner, schema in objects() if owner == path for key in schema.get("required", [])}


def step(value, path):
    """The one that the last key of the path leads to. A block that is not there yet is begun."""
    key = path[-1]
    if key == ANY_NAME:
        return next(iter(value.values()))
    return value[0] if key == ITEM else value.setdefault(key, begun(path))


def belongs_to_issuers(path):
    *owner, key = path
    return "keys" in owner and (key in ("jwks_url", "oidc_issuer") or any(
        tuple(owner) == place and key in schema.get("dependencies", {}) for place, schema in objects()))


def document_for(path):
    """The one that may have that key."""
    if belongs_to_issuers(path):
        return ISSUED
    kind = path[2] if path[0] == "authenticators" and len(path) > 2 else None
    return {"remote": VALIDATING, "introspection": INTROSPECTING}.get(kind, DOCUMENT)


def may_stand(path, document):
    owner = document_for(path)
    if owner is document or owner is not DOCUMENT:
        return owner is document
    return path[-1] != "allow_weak" if document is ISSUED else "jwt" not in path


def document_with(path, value):
    """A document with one key more, or with that key in place of those that may not stand beside it."""
    document = copy.deepcopy(document_for(path))
    place = document
    for end, key in enumerate(path, start=1):
        for neighbour in rivals(path[:end]):
            place.pop(neighbour, None)
        if end < len(path):
            place = step(place, path[:end])
        else:
            place[key] = value
            for companion in companions(path):
                if companion not in place:
                    place[companion] = suggestions(KEYS[(*path[:-1], companion)])[0]
    return document


def companions(path):
    """The neighbours that must stand beside a key."""
    needed = [schema.get("dependencies", {}).get(path[-1], []) for owner, schema in objects() if owner == path[:-1]]
    return [key for keys in needed if isinstance(keys, list) for key in keys]


def rivals(path):
    """The neighbours that may not stand beside a key."""
    found = set()
    for owner, schema in objects():
        if owner == path[:-1]:
            choices = {key for choice in schema.get("oneOf", []) for key in choice["required"]}
            found |= set(schema["properties"]) if schema.get("maxProperties") == 1 else choices
    return found - {path[-1]} if path[-1] in found else set()


def values_at(value, path):
    """All that stands in a document at a path."""
    if not path:
        return [value]
    key, *rest = path
    if key == ITEM:
        inner = value if isinstance(value, list) else []
    elif key == ANY_NAME:
        inner = value.values()
    else:
        inner = [value[key]] if isinstance(value, dict) and key in value else []
    return [found for each in inner for found in values_at(each, rest)]


def named(path):
    return ".".join(path).replace(f".{ITEM}", ITEM)


# -- the schema by itself

def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_no_object_takes_unknown_keys():
    assert [named(path) for path, schema in objects() if schema.get("additionalProperties") is not False] == []


def test_every_key_is_described():
    assert [named(path) for path, schema in KEYS.items() if "description" not in schema] == []


@pytest.mark.parametrize("path", [path for path, schema in KEYS.items() if "doNotSuggest" not in schema], ids=named)
def test_every_key_is_documented(path):
    """In the block that shows all of them, or with an example within the text. What has no meaning yet need not be."""
    page = (ROOT / "docs/configuration.md").read_text()
    whole = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    assert values_at(read(whole), path) or re.search(rf"`{{?{path[-1]}: ", page)


# -- the schema and files

@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_right(path):
    assert complaints(read(path.read_text())) == []


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_configurations_of_the_documentation_are_right(text):
    assert complaints(read(text)) == []


@pytest.mark.parametrize("name", WRONG)
def test_wrong_examples_are_refused_where_the_file_alone_shows_it(name):
    is_for_the_program = any(name in names for names in ONLY_THE_PROGRAM_SEES.values())
    try:
        found = complaints(read(WRONG[name].read_text()))
    except yaml.YAMLError:
        found = []
    assert bool(found) != is_for_the_program, found


def test_every_example_that_only_the_program_refuses_exists():
    listed = [name for names in ONLY_THE_PROGRAM_SEES.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) - set(WRONG) == set()


@pytest.mark.parametrize("path, value", [
    (("workers",), "${WORKERS}"),
    (("workers",), "${WORKERS:-2}"),
    (("limits", "head"), "${HEAD}KiB"),
    (("limits", "memory"), "${MEMORY}"),
    (("log", "level"), "${LEVEL:-info}"),
    (("access_log", "query"), "${QUERY}"),
    (("listeners", ANY_NAME, "address"), "127.0.0.1:${PORT}"),
    (("routes", ITEM, "authenticate"), "${WHO:-none}"),
    (("routes", ITEM, "path"), "${FOLDER}/**"),
    (("authenticators", ANY_NAME, "remote", "url"), "${AUTH_SERVICE_URL}/validate/"),
    (("authenticators", ANY_NAME, "remote", "circuit_breaker", "error_rate"), "${RATE}%"),
    (("user_info", ANY_NAME, "url"), "${AUTH_SERVICE_URL}/users/{subject}/"),
], ids=lambda value: named(value) if isinstance(value, tuple) else value)
def test_variables_may_stand_anywhere(path, value):
    assert complaints(document_with(path, value)) == []


# -- the schema and the program

@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_program_takes_the_document(document, tmp_path):
    assert complaints(document) == []
    done = check(document, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path, value", [
    pytest.param(path, value, id=f"{named(path)}={json.dumps(value)}")
    for path, schema in KEYS.items() for value in suggestions(schema)
])
def test_the_program_understands_what_the_schema_suggests(path, value, tmp_path):
    """It may miss something that belongs to it, such as a file."""
    document = document_with(path, value)
    assert complaints(document) == []
    done = check(document, tmp_path)
    assert not re.search(r"unknown key|not supported yet|expected", done.stderr), done.stderr


def test_every_key_has_a_suggestion_or_keys_of_its_own():
    """So that the test above leaves none out."""
    assert [named(path) for path, schema in KEYS.items() if not suggestions(schema) and not list(objects(schema))
            and not any("additionalProperties" in part for part in parts(schema))] == []


@pytest.mark.parametrize("path", [path for path, _ in objects()], ids=lambda path: named(path) or "top")
def test_a_misspelt_key_is_refused_by_both(path, tmp_path):
    document = document_with((*path, "mispelt"), "x")
    assert complaints(document)
    done = check(document, tmp_path)
    assert done.returncode == 2
    assert 'unknown key "mispelt"' in done.stderr


@pytest.mark.parametrize("plain", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_defaults_are_those_of_the_program(plain, tmp_path):
    """Writing out every one of them changes nothing."""
    document = copy.deepcopy(plain)
    for path, schema in KEYS.items():
        if "default" in schema and may_stand(path, plain):
            place = document
            for end in range(1, len(path)):
                place = step(place, path[:end])
            place.setdefault(path[-1], schema["default"])
    printed, written_out = (check(each, tmp_path, "--print") for each in (plain, document))
    assert written_out.returncode == 0, written_out.stderr
    assert written_out.stdout == printed.stdout


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_the_program_prints_is_right(document, tmp_path):
    assert complaints(read(check(document, tmp_path, "--print").stdout)) == []


@pytest.mark.parametrize("name", WRONG)
def test_the_program_says_what_is_wrong(name):
    """Word by word what stands beside the example."""
    path = WRONG[name]
    done = sidegate("check", "--config", path.name, environment=ENVIRONMENT, folder=path.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == path.with_suffix(".expected").read_text()
