"""Plots as SVG, for the report: bars, and how values are spread."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

_INCHES = (8.5, 3.4)


def stacked_bars(title: str, unit: str, parts: Mapping[str, Mapping[str, float]]) -> str:
    """One bar for each label, of the parts that it has.

    Args:
        title: What is shown.
        unit: Of all values.
        parts: Values by part, then by label.
    """
    with _drawn(title, unit) as (axes, svg):
        labels = list(dict.fromkeys(label for values in parts.values() for label in values))
        left = dict.fromkeys(labels, 0.0)
        for part, values in parts.items():
            widths = [values.get(label, 0.0) for label in labels]
            axes.barh(labels, widths, left=list(left.values()), label=part)
            left = {label: left[label] + width for label, width in zip(labels, widths, strict=True)}
        axes.invert_yaxis()
        axes.legend(frameon=False)
    return svg.getvalue()


def distributions(title: str, unit: str, values: Mapping[str, Sequence[float]]) -> str:
    """For each label, which share of its values is at most so large; the axis is logarithmic."""
    with _drawn(title, unit) as (axes, svg):
        for label, some in values.items():
            axes.ecdf(some, label=label)
        axes.set_xscale("log")
        axes.set_ylabel("share of the calls")
        axes.legend(frameon=False, fontsize="small")
    return svg.getvalue()


def lines(title: str, unit: str, values: Mapping[str, Sequence[float]], step: str) -> str:
    """Values one after another.

    Args:
        title: What is shown.
        unit: Of all values.
        values: By label.
        step: What one step is.
    """
    with _drawn(title, step) as (axes, svg):
        for label, some in values.items():
            axes.plot(range(1, len(some) + 1), some, label=label)
        axes.set_ylabel(unit)
        axes.legend(frameon=False)
    return svg.getvalue()


@contextmanager
def _drawn(title: str, x_label: str) -> Iterator[tuple[Axes, io.StringIO]]:
    """Axes to draw on; their SVG is there when they are left."""
    svg = io.StringIO()
    figure, axes = pyplot.subplots(figsize=_INCHES, layout="constrained")
    try:
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_label)
        axes.spines[["top", "right"]].set_visible(False)
        yield axes, svg
        figure.savefig(svg, format="svg", metadata={"Date": None})
    finally:
        pyplot.close(figure)
