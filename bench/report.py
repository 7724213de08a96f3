"""Figures as tables: what was measured, beside the target where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.measure import Timing, short

TIMES = ["", "p50 ms", "p95 ms", "ratio (range)", "target"]


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Args:
        what: In a sentence.
        columns: Of the table.
        rows: Of the table, of as many cells each.
        notes: Sentences to go with it.
        pictures: As SVG.
    """

    what: str
    columns: list[str]
    rows: list[list[str]]
    notes: Sequence[str] = ()
    pictures: Sequence[str] = ()


def verdict(value: float, limit: float, unit: str = "") -> str:
    """What was to be reached, and whether it was."""
    return f"≤ {limit:g}{unit}: {'met' if value <= limit else 'not met'}"


def times(timing: Timing, base: Timing | None = None, target: str = "") -> list[str]:
    """A row of TIMES; without a base it is what others are compared with."""
    percentiles = [short(timing.percentile(percent)) for percent in (50, 95)]
    return [timing.label, *percentiles, str(timing.against(base)) if base else "1", target]


def compared(timings: Sequence[Timing]) -> list[list[str]]:
    """Rows of TIMES, each against the first."""
    base, *others = timings
    return [times(base), *(times(timing, base) for timing in others)]


def print_figure(console: Console, name: str, figure: Figure) -> None:
    """Print its name, its sentence and its table."""
    console.print(Text.assemble((name, "bold"), "  ", figure.what))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for nth, column in enumerate(figure.columns):
        is_words = nth == 0 or column == "target"
        table.add_column(column, justify="left" if is_words else "right", no_wrap=True)
    for row in figure.rows:
        table.add_row(*map(Text, row))
    console.print(table)
    for note in figure.notes:
        console.print(Text(f"  {note}"))
    if figure.notes:
        console.print()
