"""The outcome as Markdown tables, and as JSON with every round."""

from dataclasses import asdict

from scenario import CallsScenario, IdleScenario


def markdown(outcomes, context):
    costs, memories, calls = [], [], []
    for outcome in outcomes.values():
        rows, row = {IdleScenario: (memories, _memory_row),
                     CallsScenario: (calls, _calls_row)}.get(type(outcome.scenario), (costs, _cost_row))
        rows += [row(outcome, name) for name in outcome.results]
    verdicts = [_verdict_row(outcome.scenario.name, verdict)
                for outcome in outcomes.values() for verdict in outcome.verdicts()]
    parts = [
        _table("scenario | bar | Sidegate | rival | ratio (min–max) | at most | met", "llrrrrl", verdicts),
        _table("scenario | contestant | CPU µs/request (min–max) | requests/s (min–max) | CPU busy | p50 / p99 ms",
               "llrrrr", costs),
        _table("scenario | contestant | RSS after start, MiB | warm | with idle connections | bytes/idle connection",
               "llrrrr", memories),
        _table("scenario | contestant | calls for 1,000 requests (min–max) | until the last answer, ms", "llrr", calls),
        *[f"**{name} failed**: {outcome.failure}" for name, outcome in outcomes.items() if outcome.failure],
        footer(context),
    ]
    return "\n\n".join(part for part in parts if part)


def footer(context):
    machine, settings = context["machine"], context["settings"]
    return (f"{context['date'][:10]}, commit {context['commit']}; {machine['cpus']} × {machine['cpu']}, "
            f"Linux {machine['kernel']}, load {machine['load_before']:.1f} before; "
            f"{settings['rounds']} × {settings['seconds']} s, {settings['connections']} connections, "
            f"access logs {settings['logs']}")


def as_json(outcomes, context):
    return {**context, "scenarios": {name: _scenario_as_json(outcome) for name, outcome in outcomes.items()}}


def _scenario_as_json(outcome):
    if outcome.failure:
        return {"what": outcome.scenario.what, "failure": outcome.failure}
    return {
        "what": outcome.scenario.what,
        "bars": [{**asdict(verdict), "met": verdict.met} for verdict in outcome.verdicts()],
        "contestants": {
            name: {"summary": {key: asdict(value) for key, value in outcome.summary(name).items()},
                   "rounds": [asdict(each) for each in rounds]}
            for name, rounds in outcome.results.items()
        },
    }


def _table(head, alignment, rows):
    if not rows:
        return ""
    ruler = " | ".join({"l": "---", "r": "---:"}[column] for column in alignment)
    return "\n".join(f"| {line} |" for line in (head, ruler, *rows))


def _verdict_row(scenario, verdict):
    own, rival = (_amount(number, verdict.unit) for number in (verdict.own, verdict.rival))
    ratio = _range(verdict.value, ".2f") if verdict.rival else "–"
    at_most = _amount(verdict.at_most, "" if verdict.rival else verdict.unit)
    met = {None: "–", True: "yes", False: "**no**"}[verdict.met]
    return " | ".join([scenario, verdict.what, own, rival, ratio, at_most, met])


def _cost_row(outcome, name):
    line = outcome.summary(name)
    return " | ".join([
        outcome.scenario.name, name,
        _range(line["cpu_microseconds"], ".2f"), _range(line["requests_per_second"], ",.0f"),
        f"{line['busy'].median:.0%}",
        f"{line['median_latency'].median * 1e3:.2f} / {line['p99_latency'].median * 1e3:.2f}"])


def _memory_row(outcome, name):
    line = outcome.summary(name)
    mebibytes = [f"{line[key].median / 2**20:.1f}" for key in ("start_bytes", "warm_bytes", "idle_bytes")]
    return " | ".join([outcome.scenario.name, name, *mebibytes, f"{line['bytes_per_connection'].median:,.0f}"])


def _calls_row(outcome, name):
    line = outcome.summary(name)
    return " | ".join([outcome.scenario.name, name, _range(line["calls_per_1000"], ",.0f"),
                       f"{line['longest_burst'].median * 1e3:,.0f}"])


def _range(value, form):
    return f"{value.median:{form}} ({value.min:{form}}–{value.max:{form}})"


def _amount(number, unit):
    if number is None:
        return "–"
    if unit == "bytes":
        return f"{number / 2**20:.1f} MiB" if number >= 2**20 else f"{number:,.0f} bytes"
    return f"{number:.2f} {unit}".rstrip()
