"""The whole table: the modules of rows/, in the order in which the page shows them."""

from wire.rows import (
    chunked_bodies, connection_fields, expect_and_interim, field_lines, forwarded, framing, host, identity, limits,
    pipelining,
    proxy_protocol, request_line, responses, rewriting, target, trailers, trusted_proxies, upgrades, versions,
)

TOPICS = (
    request_line, versions, target, rewriting, host, field_lines, framing, chunked_bodies, trailers, connection_fields,
    identity,
    forwarded, trusted_proxies, proxy_protocol, expect_and_interim, pipelining, responses, upgrades, limits,
)


def topic_name(topic):
    return topic.__name__.rpartition(".")[2]


def all_rows():
    """Every row with the name of its topic."""
    return [(topic_name(topic), row) for topic in TOPICS for row in topic.ROWS]
