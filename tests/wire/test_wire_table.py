"""Every row of the table, in each of the three ways, against the built program; and the page that is made from it."""

import pathlib
import re

import pytest

from support.polling import PATIENCE
from wire import gateways as named_gateways
from wire.judgement import differences
from wire.observation import observe
from wire.origin import ScriptedOrigin
from wire.page import page
from wire.table import all_rows
from wire.ways import WAYS

ROWS = all_rows()
SECONDS = 5 * PATIENCE
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SOURCES = re.compile(r"RFC \d{4} §[\d.]+\d|RFC \d{4} §\d+|CVE-\d{4}-\d+|GHSA(-\w{4}){3}|ISTIO-SECURITY-\d{4}-\d{3}|"
                     r"Beast before v361|nginx/nginx#1016")


class Table:
    """One origin, and the gateways before it, each started when the first of its rows comes."""

    def __init__(self, gateways, origin):
        self._gateways, self.origin, self._proxies = gateways, origin, {}

    def proxy(self, name):
        if name not in self._proxies:
            self._proxies[name] = None
            self._proxies[name] = named_gateways.start(self._gateways, name, self.origin.url)
        assert self._proxies[name], f"the gateway {name!r} did not start, as an earlier row says"
        return self._proxies[name]


@pytest.fixture(scope="module")
def table(module_gateways):
    with ScriptedOrigin() as origin:
        yield Table(module_gateways, origin)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[f"{topic}: {row.name}" for topic, row in ROWS])
def test_row(table, row, way):
    proxy = table.proxy(row.gateway)
    seen = observe(row, WAYS[way], proxy, table.origin, SECONDS)
    if found := differences(row, seen, proxy, table.origin.address):
        pytest.fail("\n".join(found), pytrace=False)


def test_every_row_has_a_name_of_its_own():
    names = [f"{topic}: {row.name}" for topic, row in ROWS]
    assert sorted(names) == sorted(set(names))


def test_every_row_says_what_it_rests_on():
    """A section, an advisory, or a heading of our documents that is there."""
    headings = {f"docs/{path.name}: {heading}" for path in DOCS.glob("*.md")
                for heading in re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)}
    sources = {source for _, row in ROWS for source in row.source.split("; ")}
    assert [source for source in sources if not SOURCES.fullmatch(source) and source not in headings] == []


def test_the_readme_counts_the_rows():
    assert f"[a table of {len(ROWS)} requests and answers](docs/wire.md)" in (DOCS.parent / "README.md").read_text()


def test_the_page_is_what_the_rows_make():
    assert (DOCS / "wire.md").read_text() == page(), "run /usr/bin/python3 tests/wire/page.py > docs/wire.md"
