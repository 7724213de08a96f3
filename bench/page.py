"""What was measured as one page, with pictures: build/bench/index.html."""

from collections.abc import Mapping
from html import escape

from bench.report import Figure
from devstack.packages import PROJECT

FILE = PROJECT / "build" / "bench" / "index.html"

_HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What was measured</title>
<style>
  body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
  td, th { padding: 0.2rem 0.7rem 0.2rem 0; text-align: right; white-space: nowrap; }
  td:first-child, th:first-child { text-align: left; }
  thead { border-bottom: 1px solid; }
  svg { max-width: 100%; height: auto; }
</style>
<h1>What was measured</h1>
"""


def write_page(how_to_read: str, figures: Mapping[str, Figure]) -> None:
    """Write the page.

    Args:
        how_to_read: What holds for all figures.
        figures: By name.
    """
    FILE.parent.mkdir(parents=True, exist_ok=True)
    sections = (_section(name, figure) for name, figure in figures.items())
    FILE.write_text("".join([_HEAD, f"<p>{escape(how_to_read)}</p>\n", *sections]))


def _section(name: str, figure: Figure) -> str:
    head = _row("th", figure.columns)
    body = "\n".join(_row("td", row) for row in figure.rows)
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in figure.notes)
    pictures = "\n".join(picture[picture.index("<svg") :] for picture in figure.pictures)
    return f"""\
<h2>{escape(name)}</h2>
<p>{escape(figure.what)}</p>
<div class="wide"><table>
<thead>{head}</thead>
<tbody>
{body}
</tbody>
</table></div>
{notes}
{pictures}
"""


def _row(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
