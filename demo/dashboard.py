"""`python -m demo.dashboard LOG --out FILE`: what the functions measured, as one page with plots.

The page is a file of its own: no script, nothing that is fetched. What a plot shows stands in a
sentence above it and in the tables below.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from rich import filesize

from demo.measured import KINDS, Bin, Measured, hit_rate, read_logs, steps_of
from demo.plots import PERCENTILES, Timeline, duration, latencies
from demo.report import percentile

_TEMPLATE = Path(__file__).with_suffix(".html")
_TITLE = "Cached loads"
_MEANT = {
    "hit": "from the cache",
    "unchanged": "the same, and the client has it: no body is sent",
    "miss": "from the database, and kept",
    "bypass": "from the database, past the cache",
}


def main() -> int:
    """Read the command line and make the page.

    Returns:
        The exit code: 0; 1 if there is nothing to show, or no place to write to.
    """
    parser = argparse.ArgumentParser(
        prog="demo.dashboard",
        description="Make a page of plots from what the functions print: hit rate, latency, lag, "
        "audits. A log is any text that has their metrics in it: logs/functions.log of the local "
        "stack, or what CloudWatch tails or exports, as text, JSON or CSV, also packed with gzip.",
    )
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="what to read")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page")
    parser.add_argument("--title", default=_TITLE, help="its title (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        measured = read_logs(arguments.logs)
        if not measured.points:
            print("demo.dashboard: no metrics of the functions in there", file=sys.stderr)
            return 1
        arguments.out.write_text(page(measured, arguments.title), encoding="utf-8")
    except OSError as error:
        print(f"demo.dashboard: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def page(measured: Measured, title: str = _TITLE) -> str:
    """The page, as HTML.

    Args:
        measured: What to show; there must be something.
        title: Of the page.
    """
    step, bins = steps_of(measured)
    timeline = Timeline(step, bins)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        when=escape(_when(measured)),
        note=_note(bins),
        figures="".join(_figures(measured)),
        plots="".join([*_plots(measured, timeline), _kinds(measured)]),
        steps=_steps(timeline, step, bins),
    )


def _when(measured: Measured) -> str:
    start, end = measured.span
    moment = datetime.fromtimestamp(start, UTC)
    return f"{moment:%d %B %Y, %H:%M:%S} UTC, for {_length(end - start)}"


def _length(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.3g} seconds"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _note(bins: Iterable[Bin]) -> str:
    if not any(b.is_bypassed for b in bins):
        return ""
    return (
        '<p class="note"><span class="shaded">Shaded</span>: most loads went past the cache, '
        "because it did not answer. The database did.</p>\n"
    )


def _figures(measured: Measured) -> Iterator[str]:
    loads = measured.loads
    rate = hit_rate(loads)
    if rate is not None:
        yield _figure("Hit rate", f"{rate:.1%}", f"of {sum(loads.values()):,} loads")
    for kind in ("hit", "miss"):
        if values := measured.values("LoadLatency", kind):
            its = duration(percentile(values, 0.95))
            yield _figure(f"A {kind}, p95", its, f"p50 {duration(percentile(values, 0.5))}")
    if lags := measured.values("InvalidationLag"):
        its = duration(percentile(lags, 0.95))
        deliveries = _counted(len(lags), "delivery", "deliveries")
        yield _figure("Invalidation lag, p95", its, f"of {deliveries}")
    if "AuditChecked" in measured.points:
        wrong, checked = (round(measured.total(f"Audit{n}")) for n in ("Mismatches", "Checked"))
        yield _figure("Audits", f"{wrong:,} wrong", f"of {checked:,} compared", is_bad=wrong > 0)
    if saved := measured.total("BytesSaved"):
        yield _figure("Saved", filesize.decimal(int(saved)), "not sent")


def _figure(name: str, its: str, more: str, *, is_bad: bool = False) -> str:
    kind = ' class="bad"' if is_bad else ""
    return f"<div{kind}><dt>{name}</dt><dd><strong>{its}</strong><small>{more}</small></dd></div>\n"


def _plots(measured: Measured, timeline: Timeline) -> Iterator[str]:
    loads = measured.loads
    rate = hit_rate(loads)
    if rate is not None:
        answered = loads["hit"] + loads["unchanged"]
        yield _plot(
            "Hit rate",
            f"The cache answered {answered:,} of {sum(loads.values()):,} loads.",
            timeline.hit_rate(),
        )
        counted = ", ".join(f"{count:,} {kind}" for kind, count in loads.items())
        yield _plot("Loads, by what answered them", f"{counted}.", timeline.loads())
    if values := measured.values("LoadLatency"):
        said = ", ".join(f"{n} {duration(percentile(values, s))}" for n, s in PERCENTILES.items())
        yield _plot("Time a load took", f"All together: {said}.", timeline.latency())
        said = ", ".join(
            f"{kind} {duration(percentile(its, 0.95))}"
            for kind in KINDS
            if (its := measured.values("LoadLatency", kind))
        )
        yield _plot(
            "Loads, by the time they took",
            f"95% of each took at most: {said}.",
            latencies(measured),
        )
    if lags := measured.values("InvalidationLag"):
        deliveries = _counted(len(lags), "delivery", "deliveries")
        yield _plot(
            "From a direct write until the cache forgot",
            f"{deliveries}: p50 {duration(percentile(lags, 0.5))}, "
            f"p95 {duration(percentile(lags, 0.95))}, at most {duration(max(lags))}.",
            timeline.lag(),
        )
    refused, unsettled = (round(measured.total(n)) for n in ("FillRefusals", "UnsettledWrites"))
    answers = _counted(refused, "answer", "answers")
    writes = _counted(unsettled, "write was", "writes were")
    if refused or unsettled:
        says = f"{answers} could not be kept; {writes} saved while the cache could not be told."
    else:
        says = "None: every answer could be kept, and the cache was told of every write."
    yield _plot(
        "Fills refused, writes not settled",
        says,
        timeline.setbacks() if refused or unsettled else "",
    )
    if "AuditChecked" in measured.points:
        wrong, checked = (round(measured.total(f"Audit{n}")) for n in ("Mismatches", "Checked"))
        yield _plot(
            "Audits against the database",
            f"{checked:,} cached entries compared, {wrong:,} wrong.",
            timeline.audits(),
        )
    if saved := measured.total("BytesSaved"):
        yield _plot(
            "Bytes that were not sent",
            f"{filesize.decimal(int(saved))}, by compression and because clients had them.",
            timeline.saved(),
        )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _plot(title: str, says: str, svg: str) -> str:
    return f"<figure><figcaption><h2>{title}</h2><p>{says}</p></figcaption>\n{svg}</figure>\n"


def _kinds(measured: Measured) -> str:
    loads = measured.loads
    rows = []
    for kind, count in loads.items():
        times = measured.values("LoadLatency", kind)
        rows.append(
            [
                f'<span class="chip" style="background: var(--{kind})"></span>{kind}',
                f"{count:,}",
                f"{count / (sum(loads.values()) or 1):.1%}",
                *(f"{percentile(times, s):,.1f}" if times else "" for s in PERCENTILES.values()),
            ]
        )
    table = _table(
        "What answered the loads",
        ["", "loads", "share", *(f"{name} ms" for name in PERCENTILES)],
        rows,
    )
    meant = "".join(f"<dt>{kind}</dt><dd>{meaning}</dd>" for kind, meaning in _MEANT.items())
    return f'<section class="card kinds">{table}<dl>{meant}</dl></section>\n'


def _steps(timeline: Timeline, step: float, bins: Sequence[Bin]) -> str:
    rows = []
    for b in bins:
        if not (b.loads or b.lags or b.sums):
            continue
        lags = [lag for its in b.lags.values() for lag in its]
        sums = (b.sums[name] for name in _SUMS.values())
        rows.append(
            [
                timeline.when(b.start - bins[0].start),
                *(f"{b.loads[kind]:,}" for kind in KINDS),
                "" if b.hit_rate is None else f"{b.hit_rate:.1%}",
                *_percentiles(b.latencies),
                duration(max(lags)) if lags else "",
                *(f"{value:,}" if value else "" for value in sums),
            ]
        )
    columns = ["from", *KINDS, "hit rate", *PERCENTILES, "most lag", *_SUMS]
    table = _table(f"The same as the plots show, in steps of {_length(step)}", columns, rows)
    return f"<details><summary>All figures over time</summary>\n{table}</details>\n"


_SUMS = {
    "refused": "FillRefusals",
    "unsettled": "UnsettledWrites",
    "compared": "AuditChecked",
    "wrong": "AuditMismatches",
}


def _percentiles(values: Sequence[float]) -> list[str]:
    return [duration(percentile(values, s)) if values else "" for s in PERCENTILES.values()]


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
