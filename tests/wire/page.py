#!/usr/bin/python3
"""Writes docs/wire.md, the table as a page, to standard output:

    /usr/bin/python3 tests/wire/page.py > docs/wire.md
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from wire.gateways import (  # noqa: E402
    BODY_MAX, CONFIGURATIONS, FIELDS_MAX, HEAD_MAX, TARGET_MAX, TOKEN_MAX,
)
from wire.row import KEEPS, OK, OWN_ERRORS, invalid_token, ok, own, unauthenticated  # noqa: E402
from wire.rows import identity, limits  # noqa: E402
from wire.table import TOPICS, all_rows, topic_name  # noqa: E402

INTRODUCTION = """\
# The wire table

<!-- Made by tests/wire/page.py from the rows in tests/wire/rows. Change those, then run
     /usr/bin/python3 tests/wire/page.py > docs/wire.md -->

{rows} rows that say what Sidegate does with bytes: what a client sends, what the origin gets, what is answered, and
what the row rests on (a section of an RFC, an advisory against other software, or our own rule in
[requests.md](requests.md)). [tests/wire](../tests/wire) runs each of them over real sockets against the built program,
three times: with its bytes sent whole, byte by byte, and split at random from a seed of its own. The bytes of the
origin's answer are sent in the same three ways.

A row holds only if nothing else happened. Where the connection *closes*, a second request is sent right behind the
first, and is neither answered nor forwarded. Where it *stays open*, a request that follows is answered on it, and is
all else that reaches the origin. Where it *is reset*, the client cannot take what it has for the whole.

How to read it:

- A line ends in CR LF where it shows `↵`. Other control characters and bytes above 0x7F are escaped. `{{a × 970}}` is
  `a` 970 times, and `…` stands for more of the same.
- `{{added}}` stands for the lines that Sidegate adds to a request: `X-Forwarded-For`, `-Proto`, `-Port` and `-Host`,
  `Forwarded`, `X-Request-Id`, `traceparent`. Where something in them is not as usual they are spelled out.
- `{{id}}` is a request id of 32 hexadecimal digits, the same at the origin and in the answer; `{{hex16}}` so many such
  digits; `{{port}}` the listener's port, `{{origin}}` the origin's address; `{{chunks abc}}` is `abc` in chunks of any
  size; `{{switched}}` is the moment when the origin agrees to an upgrade.
- **400** in the last column is Sidegate's own answer with that status, checked to the last byte: JSON,
  `Cache-Control: no-store`, `Content-Length`, `X-Request-Id`, and `Connection: close` where it closes. *ok* is the
  origin's plain answer, a 200 with two bytes, with `X-Request-Id` added.
- The gateway is the plainest one, with a single route for everything, unless the row names another:
{gateways}

`tests/run.sh --only e2e` builds the program and runs all of them beside the other tests. With the program built, one row
is run in one way by its topic, its name and the way (`whole`, `byte by byte` or `at random`), and one topic by the name of
its file in tests/wire/rows:

```
/usr/bin/python3 -m pytest -q -c tests/pytest.ini "tests/wire/test_wire_table.py::test_row[framing: two lengths that differ-whole]"
/usr/bin/python3 -m pytest -q -c tests/pytest.ini tests/wire -k chunked_bodies
```

`/usr/bin/python3 tests/wire/compare.py` runs the rows that rest on more than our own rules against HAProxy and nginx
as well, and against Sidegate by the same measure.
"""

GATEWAYS = {
    "identity": "`/admin` and others ask for a token, `/public` does not, and `X-User-Id` and others are injected",
    "small": f"a head of {HEAD_MAX:,} bytes, {FIELDS_MAX} fields, a target of {TARGET_MAX} and a token of {TOKEN_MAX} "
             f"bytes, and below `/bounded` a body of {BODY_MAX} bytes at most",
    "rewriting": "`/users` becomes `/api`, `/bare` and `/kept` are taken off, `/host` gets another `Host`",
    "encoded slashes": "`encoded_slash: keep`",
    "path parameters": "`path_parameters: keep`",
    "trusting": "the client and 10.0.0.0/8 are `trusted_proxies`",
    "PROXY protocol": "the same, with `proxy_protocol: true`",
    "PROXY protocol of others": "`proxy_protocol: true`, and the client is not trusted",
}
SHOWN_MAX = 160
_ESCAPES = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0", "\\": "\\\\"}
_RUN = re.compile(r"(.|[^ ]{2})\1{11,}")
_RFC = re.compile(r"RFC (\d+) §([\d.]+)")
_DOCUMENT = re.compile(r"docs/(\w+\.md): (.+)")
_NAMED = {value: name for names in (identity.NAMED, limits.NAMED) for name, value in names.items()}


def page():
    gateways = "\n".join(f"  - *{name}*: {GATEWAYS[name]}" for name in CONFIGURATIONS if name in GATEWAYS)
    count = sum(len(topic.ROWS) for topic in TOPICS)
    contents = "\n".join(f"- [{topic.TITLE}](#{_anchor(topic.TITLE)})" for topic in TOPICS)
    return "\n".join([INTRODUCTION.format(rows=count, gateways=gateways), contents, *map(_section, TOPICS),
                      *_references()])


def _references():
    sources = {part for _, row in all_rows() for part in row.source.split("; ")}
    found = sorted((int(match[1]), match[2]) for match in map(_RFC.fullmatch, sources) if match)
    return ["", *(f"[RFC {number} §{section}]: https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"
                  for number, section in found), ""]


def _section(topic):
    lines = ["", f"## {topic.TITLE}", "", " ".join(topic.__doc__.split()), "",
             f"Rows: [{topic_name(topic)}.py](../tests/wire/rows/{topic_name(topic)}.py)", "",
             "| row | rests on | what is sent | what the origin gets | what is answered |",
             "| --- | --- | --- | --- | --- |"]
    return "\n".join(lines + [_table_row(row) for row in topic.ROWS]) + "\n"


def _table_row(row):
    cells = (_name(row), _sources(row.source), _sent(row), _origin(row), _answered(row))
    return "| " + " | ".join(cells) + " |"


def _name(row):
    gateway = f"<br>(gateway: *{row.gateway}*)" if row.gateway in GATEWAYS else ""
    return _escape_text(row.name) + gateway


def _sources(source):
    return "<br>".join(_link(part) for part in source.split("; "))


def _link(part):
    if _RFC.fullmatch(part):
        return f"[{part}]"  # the references at the end of the page say where it is
    if found := _DOCUMENT.fullmatch(part):
        return f"[{found[2]}]({found[1]}#{_anchor(found[2])})"
    return _escape_text(part)


def _anchor(heading):
    """GitHub's."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _sent(row):
    pieces = [_shown(piece) for piece in row.sends]
    told = "<br>*and, once that is answered,*<br>".join(pieces) if any(row.sends) else "nothing"
    return told + ("<br>*and the end of what is sent*" if row.half_closes else "")


def _origin(row):
    told = _shown(row.origin) if row.origin else "nothing"
    if row.partly:
        told = "*at most a part of*<br>" + told
    if row.origin_early:
        told += "<br>*it says, before the request is whole:*<br>" + _shown(row.origin_early)
    if row.origin_sends != (OK,):
        told += "<br>*it answers*<br>" + "<br>*then*<br>".join(_shown(answer) if answer else "nothing, and closes"
                                                              for answer in row.origin_sends)
    if row.origin_then != KEEPS:
        told += f"<br>*and {row.origin_then}*"
    return told


def _answered(row):
    answers = [_short(answer) for answer in row.answer if answer]
    return "<br>*then*<br>".join(answers or ["nothing"]) + f"<br>*{row.ends}*"


def _known_answers():
    """Answers of which the page says no more than their status, since the rest of them is always the same."""
    known = {ok(): "*ok*", ok(closes=True): "*ok*"}
    for closes in (False, True):
        known[unauthenticated(closes)] = "**401** Authentication required"
        known[invalid_token(closes)] = "**401** Invalid token"
        for status in OWN_ERRORS:
            known[own(status, closes=closes)] = known[own(status, head=True, closes=closes)] = f"**{status}**"
    return known


_KNOWN = _known_answers()
_ANY_KNOWN = re.compile(b"(" + b"|".join(re.escape(answer) for answer in sorted(_KNOWN, key=len, reverse=True)) + b")")


def _short(answer):
    """The known ones by their status, the others in full."""
    return "<br>".join(_KNOWN.get(part) or _shown(part) for part in _ANY_KNOWN.split(answer) if part)


def _shown(data):
    """Bytes as lines of code."""
    text = data.decode("latin-1")
    for value, name in _NAMED.items():
        text = text.replace(value, f"{{{name}}}")
    lines = re.findall(r"\{added\}|.*?\r\n|.+", text, re.DOTALL)
    return "<br>".join(_line(line) for line in lines)


def _line(line):
    abbreviated = _RUN.sub(lambda run: f"{{{run[1]} × {len(run[0]) // len(run[1])}}}", line.removesuffix("\r\n"))
    return _code(abbreviated + ("↵" if line.endswith("\r\n") else ""))


def _code(text):
    visible = "".join(map(_visible, text))
    if len(visible) > SHOWN_MAX:
        visible = visible[: SHOWN_MAX // 2] + " … " + visible[-SHOWN_MAX // 4 :]
    fence = "``" if "`" in visible else "`"
    pad = " " if visible.startswith(("`", " ")) or visible.endswith(("`", " ")) else ""
    return fence + pad + visible.replace("|", "\\|") + pad + fence


def _visible(character):
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if " " <= character <= "~" or character in "↵×" else f"\\x{ord(character):02x}"


def _escape_text(text):
    return re.sub(r"([\\`*_|<>{}\[\]])", r"\\\1", text)


if __name__ == "__main__":
    sys.stdout.write(page())
