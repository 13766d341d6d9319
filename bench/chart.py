"""The outcome as a chart: what a request costs each contestant of get-hs256, and every ratio beside its bar."""

from html import escape

import report

_SHOWN = "get-hs256"
_WIDTH, _LABELS, _NUMBERS, _ROW, _MARGIN = 940, 440, 110, 24, 20
_SCALE = _WIDTH - _LABELS - _NUMBERS - 2 * _MARGIN  # the width of the longest bar

_STYLE = """\
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .paper { fill: #ffffff } .accent { fill: #1f6feb } .other { fill: #8c959f }
  .mark { stroke: #1f2328; stroke-width: 1.5 }
  .title { font-weight: 600 } .small { font-size: 11px } .label { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .mark { stroke: #e6edf3 }
    .paper { fill: #0d1117 } .accent { fill: #58a6ff } .other { fill: #6e7681 }
  }
</style>"""


def draw(outcomes, context):
    rows = [*_costs(outcomes), *_ratios(outcomes), _line(report.footer(context), "small")]
    height = len(rows) * _ROW + 2 * _MARGIN
    body = "\n".join(f'<g transform="translate({_MARGIN} {_MARGIN + number * _ROW})">{row}</g>'
                     for number, row in enumerate(rows))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}">\n{_STYLE}\n'
            f'<rect class="paper" width="100%" height="100%"/>\n{body}\n</svg>\n')


def _costs(outcomes):
    outcome = outcomes.get(_SHOWN)
    if not outcome or not outcome.results:
        return []
    costs = {name: outcome.summary(name)["cpu_microseconds"] for name in outcome.results}
    longest = max(cost.max for cost in costs.values())
    return [_line(f"CPU µs per request: {outcome.scenario.what} (line: worst and best round)", "title"),
            *[_bar(name, cost, longest, f"{cost.median:.1f} µs", accent=name.startswith("Sidegate"))
              for name, cost in costs.items()], ""]


def _ratios(outcomes):
    """The mark is the bar that the ratio should stay below."""
    verdicts = [(name, verdict) for name, outcome in outcomes.items()
                for verdict in outcome.verdicts() if verdict.rival]
    if not verdicts:
        return []
    longest = max(max(verdict.value.max, verdict.at_most or 0) for _, verdict in verdicts)
    return [_line("Ratio of CPU per request (upright mark: at most; blue: met)", "title"),
            *[_bar(f"{name}: {verdict.what.replace('Sidegate, ', '')}", verdict.value, longest,
                   _against(verdict), accent=verdict.met, mark=verdict.at_most)
              for name, verdict in verdicts], ""]


def _against(verdict):
    of = "" if verdict.at_most is None else f" of {verdict.at_most:.2f}"
    return f"{verdict.value.median:.2f}{of}"


def _line(text, style):
    return f'<text class="{style}" y="16">{escape(text)}</text>'


def _bar(label, value, longest, number, accent, mark=None):
    def along(amount):
        return round(_LABELS + amount / longest * _SCALE, 1)

    style, length = "accent" if accent else "other", round(along(value.median) - _LABELS, 1)
    parts = [
        f'<text class="label" x="{_LABELS - 8}" y="16">{escape(label)}</text>',
        f'<rect class="{style}" x="{_LABELS}" y="4" width="{length}" height="16"/>',
        f'<line class="mark" x1="{along(value.min)}" x2="{along(value.max)}" y1="12" y2="12"/>',
        f'<text x="{along(longest) + 8}" y="16">{number}</text>',
    ]
    if mark is not None:
        parts.append(f'<line class="mark" x1="{along(mark)}" x2="{along(mark)}" y1="1" y2="23"/>')
    return "".join(parts)
