"""Plots of what the functions measured, as SVG that takes its colours from the page around it.

A colour is drawn as a stand-in, which becomes a variable of CSS, so one plot serves light and dark.
Texts stay texts, in the page's own letters.
"""

import io
import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)
from rich import filesize

from demo.measured import KINDS, Bin, Measured, step_of
from demo.report import percentile

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

# The variables of dashboard.html, each by the colour that stands in for it.
_STAND_INS = {
    name: f"#0000{number:02x}"
    for number, name in enumerate(
        ["ink", "quiet", "grid", "shade", *KINDS, *PERCENTILES, "good", "bad"], start=1
    )
}
_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": _STAND_INS["grid"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "figure.figsize": (360 / 72, 215 / 72),  # a page shows it 0.9 to 1.2 times as large
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "grid.color": _STAND_INS["grid"],
    "grid.linewidth": 0.8,
    "legend.borderaxespad": 0,
    "legend.columnspacing": 1.2,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "legend.handlelength": 1.1,
    "legend.handletextpad": 0.5,
    "legend.labelcolor": _STAND_INS["ink"],
    "lines.linewidth": 2,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "xtick.color": _STAND_INS["grid"],
    "xtick.labelcolor": _STAND_INS["quiet"],
    "ytick.labelcolor": _STAND_INS["quiet"],
    "ytick.major.size": 0,
}
# So few values are dots, too: a line through one is none.
_FEW = 12
# What was too quick to be measured stands at the bottom of a logarithmic axis.
_LEAST_MS = 0.01
_BARS = {"refused fills": "miss", "unsettled writes": "bypass", "right": "good", "wrong": "bad"}


class Timeline:
    """Plots over time, all with the same axis.

    Args:
        step: Of the bins, in seconds.
        bins: What was measured, from the first step to the last.
    """

    def __init__(self, step: float, bins: Sequence[Bin]) -> None:
        self._step = step
        self._bins = bins
        self._start = bins[0].start
        self._span = len(bins) * step

    def hit_rate(self) -> str:
        """How many of the loads the cache answered."""

        def draw(axes: Axes) -> None:
            known = [
                (self._middle(b), rate) for b in self._bins if (rate := b.hit_rate) is not None
            ]
            _line(axes, known, "hit")
            at, rates = zip(*known, strict=True)
            axes.fill_between(at, rates, color=_STAND_INS["hit"], alpha=0.12, lw=0)
            _shares(axes, [0, 0.25, 0.5, 0.75, 1])

        return self._plot("hit-rate", draw)

    def loads(self) -> str:
        """What answered how many loads."""
        return self._bars("loads", {k: [b.loads[k] for b in self._bins] for k in KINDS})

    def latency(self) -> str:
        """How long loads took."""

        def draw(axes: Axes) -> None:
            timed = [b for b in self._bins if b.latencies]
            for name, share in PERCENTILES.items():
                points = [(self._middle(b), percentile(b.latencies, share)) for b in timed]
                _line(axes, points, name, label=name)
            _durations(axes, "y", [p for b in timed for p in (min(b.latencies), max(b.latencies))])

        return self._plot("latency", draw)

    def lag(self) -> str:
        """How long direct writes were on their way: the middle one, between the extremes."""

        def draw(axes: Axes) -> None:
            every: list[float] = []
            functions = {function for b in self._bins for function in b.lags}
            for nth, function in enumerate(sorted(functions, reverse=True)):
                lagging = [(b, lags) for b in self._bins if (lags := b.lags.get(function))]
                # Side by side where both have delivered something.
                at = [self._middle(b) + (nth - 0.5) * self._step / 3 for b, _ in lagging]
                lows, middles, highs = (
                    [end(lags) for _, lags in lagging] for end in (min, _middle_one, max)
                )
                colour = _STAND_INS["hit" if function == "webhook" else "miss"]
                axes.vlines(at, lows, highs, colour, alpha=0.4, lw=3)
                axes.plot(at, middles, "o", color=colour, label=function)
                every += [*lows, *highs]
            _durations(axes, "y", every)

        return self._plot("lag", draw)

    def setbacks(self) -> str:
        """What was not kept, and what was saved before the cache had heard of it."""
        series = {"refused fills": "FillRefusals", "unsettled writes": "UnsettledWrites"}
        return self._bars(
            "setbacks", {name: [b.sums[m] for b in self._bins] for name, m in series.items()}
        )

    def audits(self) -> str:
        """How many entries were compared with the database, and how many were wrong."""
        wrong = [b.sums["AuditMismatches"] for b in self._bins]
        right = [b.sums["AuditChecked"] - b.sums["AuditMismatches"] for b in self._bins]
        return self._bars("audits", {"right": right, "wrong": wrong})

    def saved(self) -> str:
        """Bytes that did not have to be sent, all together."""

        def draw(axes: Axes) -> None:
            sums = [0, *itertools.accumulate(b.sums["BytesSaved"] for b in self._bins)]
            at = [nth * self._step for nth in range(len(sums))]
            axes.fill_between(at, sums, color=_STAND_INS["unchanged"], alpha=0.2, lw=0)
            axes.plot(at, sums, color=_STAND_INS["unchanged"])
            _amounts(axes, max(sums), lambda amount, _: filesize.decimal(int(amount)))

        return self._plot("saved", draw)

    def when(self, seconds: float, exactness: float = 0) -> str:
        """A time in words, so many seconds after the start, and as exact as it has to be."""
        if self._step >= 60:
            moment = datetime.fromtimestamp(self._start + seconds, UTC)
            return f"{moment:%d %b}" if exactness >= 86400 else f"{moment:%H:%M}"
        if self._span <= 120:
            return f"{seconds:.3g} s"
        return f"{int(seconds // 60)}:{int(seconds % 60):02}"

    def _bars(self, name: str, series: Mapping[str, list[int]]) -> str:
        def draw(axes: Axes) -> None:
            starts = [b.start - self._start for b in self._bins]
            tops = [0] * len(starts)
            for label, counts in series.items():
                if not any(counts):
                    continue
                colour = _STAND_INS[_BARS.get(label, label)]
                axes.bar(
                    starts, counts, self._step * 0.86, tops, align="edge", color=colour, label=label
                )
                tops = [top + count for top, count in zip(tops, counts, strict=True)]
                if label == "wrong":
                    # One among hundreds would be too thin to be seen.
                    for at, top, count in zip(starts, tops, counts, strict=True):
                        if count:
                            place = (at + self._step / 2, top)
                            axes.annotate(
                                f"{count:,}",
                                place,
                                (0, 4),
                                textcoords="offset points",
                                color=colour,
                                fontweight="bold",
                                ha="center",
                            )
            _amounts(axes, max(tops), lambda amount, _: f"{amount:,.0f}")

        return self._plot(name, draw)

    def _plot(self, name: str, draw: Callable[[Axes], None]) -> str:
        def draw_over_time(axes: Axes) -> None:
            draw(axes)
            tick = step_of(self._span / 4.5)
            first = -self._start % tick if self._step >= 60 else 0
            ticks = [first + tick * nth for nth in range(int((self._span - first) / tick) + 1)]
            axes.xaxis.set_major_locator(FixedLocator(ticks))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: self.when(at, tick)))
            axes.set_xlim(0, self._span)
            for is_bypassed, run in itertools.groupby(self._bins, lambda b: b.is_bypassed):
                if is_bypassed:
                    first, *_, last = [b.start - self._start for b in run] * 2
                    axes.axvspan(
                        first, last + self._step, color=_STAND_INS["shade"], lw=0, zorder=0
                    )

        return _svg(name, draw_over_time)

    def _middle(self, its: Bin) -> float:
        return its.start - self._start + self._step / 2


def latencies(measured: Measured) -> str:
    """How many of the loads took how long at most, by what answered them."""

    def draw(axes: Axes) -> None:
        extremes = []
        for kind in KINDS:
            if values := sorted(measured.values("LoadLatency", kind)):
                steps = [
                    (math.ceil(nth * len(values) / 200) - 1, nth / 200) for nth in range(1, 201)
                ]
                points = [(values[0], 0.0), *((values[nth], share) for nth, share in steps)]
                _line(axes, points, kind, label=kind, marker="")
                extremes += [values[0], values[-1]]
        _durations(axes, "x", extremes)
        _shares(axes, [0, 0.25, 0.5, 0.75, 0.95])

    return _svg("latencies", draw)


def duration(milliseconds: float) -> str:
    """How long something took, in words with two or three digits."""
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:,.0f} s"


def _middle_one(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def _line(axes: Axes, points: Sequence[tuple[float, float]], colour: str, **style: Any) -> None:
    if points:
        style = {"marker": "o" if len(points) <= _FEW else "", "markersize": 4} | style
        axes.plot(*zip(*points, strict=True), color=_STAND_INS[colour], **style)


def _shares(axes: Axes, ticks: list[float]) -> None:
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _amounts(axes: Axes, most: float, text: Callable[[float, int], str]) -> None:
    axes.set_ylim(0, most * 1.08 or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(text))


def _durations(axes: Axes, direction: Literal["x", "y"], values: Sequence[float]) -> None:
    """Make an axis logarithmic, from a round time below all to one above all."""
    steps = [10.0**power * factor for power in range(-3, 15) for factor in (1, 2, 5)]
    low, high = max(min(values), _LEAST_MS), max(*values, _LEAST_MS)
    least = max(step for step in steps if step <= low)
    most = min(step for step in steps if step >= high)
    ticks = [step for step in steps if least <= step <= most]
    if len(ticks) > 7:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1")]
    # The limits first: a scale that has to find them warns where nothing took any time.
    axes.set(**{f"{direction}lim": (least / 1.1, most * 1.1), f"{direction}scale": "log"})
    axis = axes.xaxis if direction == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axis.set_minor_locator(NullLocator())


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    # The same numbers make the same text, and other plots on the page have other ids.
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure()
        axes = figure.subplots()
        draw(axes)
        handles, labels = axes.get_legend_handles_labels()
        if len(labels) > 1:
            figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    # Its prologue, its licence, its size and the names of its parts are of no use in a page.
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style).*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg .*?(viewBox="[^"]*").*?>', r'<svg \1 aria-hidden="true">', svg, count=1)
    svg = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", svg)
    svg = svg.replace("font-family: 'DejaVu Sans', sans-serif; ", "")
    for colour, stand_in in _STAND_INS.items():
        svg = svg.replace(stand_in, f"var(--{colour})")
    return svg
