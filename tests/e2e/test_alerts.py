"""The alerts of deploy/alerts.yaml, and the tables of docs/operations.md that name what they are made of."""

import json
import re

import pytest
import yaml

from raw_origin import RawOrigin, answering, ok
from support import tokens
from support.asking import remote
from support.gateway import ROOT, jwt_authenticator, staff_routes
from support.key_pairs import KeyPair, jwk_set
from support.polling import wait_until
from support.process import run
from support.raw import request
from test_logs import MEMBERS

RULES = ROOT / "deploy/alerts.yaml"
ALERTS = {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
PAGE = (ROOT / "docs/operations.md").read_text()
OF_PROMETHEUS = {"up"}  # which it makes for each target

REQUESTS = 'sidegate_requests_total{instance="a",route="r",method="GET",code="%s"}'
BUCKET = 'sidegate_request_duration_seconds_bucket{instance="a",route="r",le="%s"}'
DROPPED = 'sidegate_log_dropped_total{instance="a"}'
RELOADS = 'sidegate_config_reloads_total{instance="a",result="%s"}'
KEY = 'sidegate_key_expiry_timestamp_seconds{instance="a",authenticator="staff",key="keys[0]"}'
FETCHES = 'sidegate_jwks_fetches_total{instance="a",authenticator="staff",result="%s"}'
CIRCUIT = 'sidegate_circuit_state{instance="a",name="session"}'
INTEGRATION = 'sidegate_integration_up{instance="a",name="session"}'
UP = 'up{job="sidegate",instance="a"}'
DAY = 24 * 60 * 60
HOUR = "x60"  # samples after the first, one a minute


def answers(good, bad):
    """So many more each minute."""
    return {REQUESTS % 200: f"0+{good}{HOUR}", REQUESTS % 502: f"0+{bad}{HOUR}"}


def durations(*cumulative):
    """Counts that grow by so much each minute, up to 1 s, up to 5 s, and all."""
    return {BUCKET % bound: f"0+{count}{HOUR}" for bound, count in zip(("1", "5", "+Inf"), cumulative)}


# What Prometheus saw for half an hour, and whether the alert fires then. Time begins at 0 there.
CASES = [
    ("SidegateDown", {UP: f"0{HOUR}"}, True),
    ("SidegateDown", {}, True),
    ("SidegateDown", {UP: f"1{HOUR}"}, False),
    ("SidegateErrors", answers(90, 10), True),
    ("SidegateErrors", answers(99, 1), False),
    ("SidegateErrors", answers(0, 0), False),
    ("SidegateSlow", durations(95, 100, 100), True),
    ("SidegateSlow", durations(100, 100, 100), False),
    ("SidegateLogLinesDropped", {DROPPED: "0x25 7x35"}, True),
    ("SidegateLogLinesDropped", {DROPPED: f"7{HOUR}"}, False),
    ("SidegateReloadFailed", {RELOADS % "failure": "0x25 1x35"}, True),
    ("SidegateReloadFailed", {RELOADS % "failure": f"3{HOUR}", RELOADS % "success": f"0+1{HOUR}"}, False),
    ("SidegateKeyExpires", {KEY: f"{6 * DAY}{HOUR}"}, True),
    ("SidegateKeyExpires", {KEY: f"{8 * DAY}{HOUR}"}, False),
    ("SidegateKeyExpires", {KEY: f"60{HOUR}"}, False),
    ("SidegateCircuitOpen", {CIRCUIT: f"0 0 {'2 1 2 2 ' * 15}"}, True),
    ("SidegateCircuitOpen", {CIRCUIT: f"{'0 2 ' * 30}"}, False),
    ("SidegateIntegrationDown", {INTEGRATION: "1x15 0x45"}, True),
    ("SidegateIntegrationDown", {INTEGRATION: "1x15 0x3 1 0x3 1 0x3 1x30"}, False),
    ("SidegateIssuerSilent", {FETCHES % "failed": f"0+1{HOUR}", FETCHES % "ok": f"3{HOUR}"}, True),
    ("SidegateIssuerSilent", {FETCHES % "failed": f"0+1{HOUR}", FETCHES % "ok": "0x25 1x35"}, False),
]


@pytest.fixture
def gateway(gateways, origin, tmp_path):
    """One that has counted a request, has a key with an end, and keys of an issuer, and may ask services."""
    blocks = staff_routes(tokens.KEY, origin.url)
    staff = jwt_authenticator(tokens.KEY)
    staff["jwt"]["keys"][0]["until"] = "2099-01-01T00:00:00Z"
    with RawOrigin() as issuer:
        issuer.handler = answering(ok(jwk_set(KeyPair("ES256").jwk()).encode()))
        partners = jwt_authenticator(None, keys=[{"jwks_url": issuer.url}], algorithms=["ES256"],
                                     issuer="https://partner.example", audience=["tickets"])
        running = gateways.start({
            **blocks, "authenticators": {"staff": staff, "partners": partners, "session": remote(issuer.url)},
            "session_refresh": {"for": ["staff"], "url": issuer.url}})
        assert running.ask(request("GET", "/public/x")).status == 200
        wait_until(lambda: running.metrics().total("sidegate_jwks_keys"), "the issuer's keys are fetched")
        yield running


def series(metrics):
    """Which labels each metric has, a histogram's but for `le`."""
    found = {}
    for name, labels, _ in metrics.samples:
        name = re.sub(r"_(bucket|sum|count)$", "", name)
        found.setdefault(name, set()).update(set(labels) - {"le"})
    return found


def table(heading):
    """The first cells below a heading of the page, each without its quotes."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#)", PAGE, re.MULTILINE | re.DOTALL)[1]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


# -- the rules

def test_prometheus_takes_the_rules():
    checked = run(["promtool", "check", "rules", RULES])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


@pytest.mark.parametrize("alert, seen, fires", CASES, ids=[f"{alert}-{fires}" for alert, _, fires in CASES])
def test_an_alert_fires_when_it_should(tmp_path, alert, seen, fires):
    """Counted, since promtool would compare every label and annotation of an alert."""
    expression = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    (tmp_path / "case.yaml").write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in seen.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": "30m",
                              "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}],
    }]}))
    tested = run(["promtool", "test", "rules", tmp_path / "case.yaml"])
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_each_alert_is_tried_both_ways():
    tried = {(alert, fires) for alert, _, fires in CASES}
    assert tried == {(alert, fires) for alert in ALERTS for fires in (True, False)}


def test_the_rules_speak_of_metrics_that_there_are(gateway):
    known = series(gateway.metrics())
    for rule in ALERTS.values():
        names = set(re.findall(r"\b(?:sidegate_\w+|up)\b", re.sub(r'"[^"]*"', "", rule["expr"])))
        assert names and {re.sub("_bucket$", "", name) for name in names} <= set(known) | OF_PROMETHEUS, rule["alert"]


# -- the page

def test_every_alert_is_on_the_page():
    assert table("Alerts") == list(ALERTS)


def test_every_metric_is_on_the_page_with_its_labels(gateway):
    documented = dict(re.fullmatch(r"(\w+)(?:\{(.*)\})?", name).groups() for name in table("Metrics"))
    assert {name: set(labels.split(",")) if labels else set() for name, labels in documented.items()} == series(
        gateway.metrics())


def test_every_member_of_the_access_log_is_on_the_page():
    section = PAGE.partition("**The access log**")[2].partition("**The operational log**")[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == {*MEMBERS, "query"}
