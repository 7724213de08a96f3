"""`python -m demo`: start everything, play documents in, report, and stay up to be tried."""

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from supabase import AuthError, PostgrestAPIError, SupabaseException

from demo import report
from demo.corpus import find_corpus, open_corpus
from demo.git_history import open_repository
from demo.histories import Source, SourceError, one_after_another
from demo.measured import read_logs
from demo.play import Play
from demo.samples import open_samples
from demo.stage import Refused, Stopped
from devstack import signals
from devstack.packages import StackError
from devstack.processes import Cancelled
from devstack.stack import Stack

_INTERRUPTED = 130

_out = Console()
_err = Console(stderr=True, highlight=False)


def main() -> int:
    """Read the command line and run it.

    Returns:
        The exit code: 0; 1 if something cannot run, or did not hold; 130 after a signal before
        the end of the play.
    """
    arguments = _arguments()
    stopping = threading.Event()
    try:
        # Before the stack: what is wrong with the source shows at once.
        source = _source(arguments)
        # From here on a signal is only noted, so it does no harm at any moment, nor do ten.
        signals.note(stopping)
        return _run(source, arguments, stopping)
    except (Cancelled, Stopped, KeyboardInterrupt):
        return _INTERRUPTED
    except (SourceError, StackError) as error:
        _say(f"demo: {error}")
    except (AuthError, PostgrestAPIError, Refused, SupabaseException, httpx.HTTPError) as error:
        _say(f"demo: Supabase did not do its part: {getattr(error, 'message', error)}")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Start everything, play documents in as six people, report, and stay up. "
        "What is named is played, in the order below; if nothing is, the samples, after the "
        "corpus ../shared/corpus/dev.jsonl.zst where that exists.",
        epilog="With SUPABASE_URL and SUPABASE_ANON_KEY in the environment it plays there, starts "
        "nothing and ends when done; with FUNCTIONS_URL, too, through the functions there.",
    )
    parser.add_argument(
        "--corpus", type=Path, metavar="FILE", help="play a corpus: .jsonl, or .zst of it"
    )
    parser.add_argument(
        "--git",
        nargs="+",
        metavar=("DIR", "GLOB"),
        help="play the files of a git repository, a version a commit (default: *.json)",
    )
    parser.add_argument(
        "--samples", action="store_true", help="play the samples of this repository"
    )
    parser.add_argument(
        "--documents",
        type=int,
        default=300,
        metavar="N",
        help="how many documents of each, with all their versions; 0: all (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep the data in DIR (default: a temporary folder, removed at the end)",
    )
    parser.add_argument(
        "--page",
        type=Path,
        default=Path("cached-loads.html"),
        metavar="FILE",
        help="write plots of what the functions measured to FILE (default: %(default)s)",
    )
    parser.add_argument("--exit", action="store_true", help="end when done")
    arguments = parser.parse_args()
    if arguments.documents < 0:
        parser.error("--documents: a number from 0 on")
    if len(arguments.git or []) > 2:
        parser.error("--git: a folder and at most one pattern, in quotes")
    return arguments


def _source(arguments: argparse.Namespace) -> Source:
    wanted = arguments.documents
    nothing_named = not (arguments.corpus or arguments.git or arguments.samples)
    sources = []
    if corpus := arguments.corpus or (nothing_named and find_corpus()):
        sources.append(open_corpus(corpus, wanted))
    if arguments.git:
        folder, glob = (*arguments.git, "*.json")[:2]
        sources.append(open_repository(Path(folder), glob, wanted))
    if arguments.samples or nothing_named:
        sources.append(open_samples(wanted))
    return one_after_another(sources)


def _run(source: Source, arguments: argparse.Namespace, stopping: threading.Event) -> int:
    with contextlib.ExitStack() as cleanup:
        addresses: Mapping[str, object]
        stack = None
        if (url := os.environ.get("SUPABASE_URL")) and (key := os.environ.get("SUPABASE_ANON_KEY")):
            addresses = {"supabase_url": url, "anon_key": key}
            service_role_key, database_url = os.environ.get("SUPABASE_SERVICE_ROLE_KEY"), None
            functions_url, invoke_url = os.environ.get("FUNCTIONS_URL"), None
        else:
            stack = cleanup.enter_context(Stack(arguments.data, _say, stopping))
            addresses = stack.addresses
            service_role_key = stack.addresses["service_role_key"]
            database_url = stack.addresses["database_url"]
            functions_url, invoke_url = stack.addresses["functions_url"], stack.invoke_url

        play = Play(
            str(addresses["supabase_url"]),
            str(addresses["anon_key"]),
            stopping,
            service_role_key,
            database_url,
            functions_url,
            invoke_url,
        )
        play.gather()
        with _progress(source, play) as advance:
            play.run(source, advance)
        if not play.compositions:
            reasons = [*map(" ".join, play.outcome.refusals), *source.skipped]
            raise SourceError(f"{source.name}: nothing could be played: {', '.join(reasons)}")
        report.print_report(_out, play.outcome, source, database_url)
        if stack and play.outcome.loads:
            _write_page(stack.logs / "functions.log", arguments.page)
        accounts = {person.email: person.password for person in play.people}
        report.print_invitation(_out, addresses, accounts, play.compositions[0].id)

        if stack and not arguments.exit:
            _say("It stays up until Ctrl-C.")
            stack.watch(stopping)
        return 1 if play.outcome.failures else 0


def _write_page(log: Path, page: Path) -> None:
    # Half a second to import, which nothing else here has to wait for.
    from demo import dashboard  # noqa: PLC0415

    text = dashboard.page(read_logs([log]))
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        _out.print(f"left out the page: {error}\n", style="yellow", markup=False, soft_wrap=True)
    else:
        _out.print(f"plots of the loads: {page.resolve()}\n", markup=False, soft_wrap=True)


@contextlib.contextmanager
def _progress(source: Source, play: Play) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("documents"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[versions]:,} versions, {task.fields[rate]:.0f}/s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err) as progress:
        task = progress.add_task("", total=source.document_count, versions=0, rate=0.0)
        started = time.monotonic()

        def advance(documents: int) -> None:
            versions = play.outcome.versions
            rate = versions / (time.monotonic() - started)
            progress.update(task, completed=documents, versions=versions, rate=rate)

        yield advance


def _say(line: str) -> None:
    _err.print(line, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
