"""`python -m bench`: start a stack, measure on it, print each figure as soon as it is known."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench.cache import cache
from bench.contexts import contexts
from bench.hostile import hostile
from bench.layers import layers
from bench.load import load, load_scale
from bench.merge import merge
from bench.outage import outage
from bench.package import package
from bench.page import FILE, write_page
from bench.pages import pages
from bench.redis import redis
from bench.report import Figure, print_figure
from bench.rest import rest
from bench.rls import rls
from bench.save import save
from bench.storage import storage
from bench.world import Bench, Sizes, World
from bench.zipf import zipf
from demo.corpus import find_corpus
from demo.histories import SourceError
from devstack import signals
from devstack.packages import StackError
from devstack.stack import CACHED, Stack
from scripts.package import PackageError

_FIGURES: dict[str, Callable[[Bench], Figure]] = {
    "load": load,
    "load_scale": load_scale,
    "layers": layers,
    "contexts": contexts,
    "rls": rls,
    "pages": pages,
    "save": save,
    "merge": merge,
    "hostile": hostile,
    "rest": rest,
    "storage": storage,
    "redis": redis,
    "cache": cache,
    "zipf": zipf,
    "outage": outage,
    "package": package,
}
_QUICK = Sizes(rounds=5, crowd=10_000, documents=100)
_USUAL = Sizes(rounds=15, crowd=100_000, documents=1_000)
_FULL = Sizes(rounds=15, crowd=1_000_000, documents=0)
_WIDTH = 134
_HOW_TO_READ = """\
Measured on {} processors. A ratio is to the nearest row above whose ratio is 1, round by round:
median (and range). Trust ratios; times are this machine's, and busy ones are noisy.
"""


def main() -> int:
    """Read the command line and measure.

    Returns:
        The exit code: 0 whatever was measured; 1 if something cannot run.
    """
    arguments = _arguments()
    sizes = _QUICK if arguments.quick else _FULL if arguments.full else _USUAL
    signals.exit_once()
    out, err = (Console(width=_WIDTH, highlight=False, stderr=stderr) for stderr in (False, True))
    try:
        with (
            # What measures the functions has a stack of its own.
            Stack(without=CACHED) as stack,
            contextlib.closing(World(stack.addresses["database_url"])) as world,
        ):
            bench = Bench(stack.addresses, world, sizes, arguments.corpus)
            how_to_read = _HOW_TO_READ.format(os.cpu_count())
            out.print(how_to_read)
            figures: dict[str, Figure] = {}
            for name in arguments.only or _FIGURES:
                started = time.monotonic()
                world.clear()
                figures[name] = _FIGURES[name](bench)
                print_figure(out, name, figures[name])
                write_page(how_to_read, figures)
                err.print(f"{name}: {time.monotonic() - started:.1f} s")
            err.print(f"with plots: {FILE}")
    except (PackageError, SourceError, StackError) as error:
        err.print(f"bench: {error}", markup=False)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument(
        "--only", action="append", choices=_FIGURES, metavar="NAME", help=", ".join(_FIGURES)
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller and shorter")
    size.add_argument(
        "--full", action="store_true", help="a million compositions and the whole corpus"
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        metavar="FILE",
        default=find_corpus(),
        help="for merge, and for storage beside the samples: .jsonl, or .zst of it",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
