"""The JSON files of a git repository, a revision for every commit that changed one.

Commits are taken parents first, whatever branch they were made on; a merge counts where its file
differs from the revision before. So the last revision is the file as HEAD has it. Two git processes
do all of it: one walks the commits, one hands out contents.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from demo.histories import History, Revision, Source, SourceError, as_composition, read_json, spread

_MAX_BYTES = 1024 * 1024
_MAX_MESSAGE_LENGTH = 1000
_LOG = [
    *("log", "--topo-order", "--reverse", "--format=%x01%P%x01%cs%x01%s", "--encoding=UTF-8"),
    *("--raw", "-z", "--root", "--no-abbrev", "--no-renames", "--no-show-signature"),
    # The side of a merge that lost, too, and what the merge made of either side.
    *("--full-history", "--diff-merges=separate"),
    *("HEAD", "--"),
]

# What a commit made of a file: the id of its content, and a message.
Change = tuple[str, str]


def open_repository(folder: Path, glob: str, wanted: int) -> Source:
    """The JSON files that a repository has or once had.

    Args:
        folder: Anywhere in a working tree, or a bare repository.
        glob: Which files below it; without a slash, at any depth.
        wanted: How many files; 0: all.

    Raises:
        SourceError: There is no repository, no commit, or no such file.
    """
    _ask(folder, "rev-parse", "--git-dir")
    try:
        _ask(folder, "rev-parse", "--verify", "HEAD")
    except SourceError:
        raise SourceError(f"{folder}: the repository has no commits yet") from None

    changes = _changes(folder, glob if "/" in glob else f"**/{glob}")
    if not changes:
        raise SourceError(f"{folder}: no commit has a file like {glob}")
    chosen = spread(sorted(changes.items()), wanted)
    skipped: Counter[str] = Counter()
    histories = _histories(folder, chosen, skipped)
    return Source(f"git repository {folder.resolve().name}", len(chosen), histories, skipped)


def _changes(folder: Path, glob: str) -> dict[bytes, list[Change]]:
    changes: dict[bytes, list[Change]] = {}
    is_merge, message = False, ""
    with _start(folder, *_LOG, f":(glob){glob}") as log:
        fields = _fields(log.stdout)
        for field in fields:
            entry = field.lstrip(b"\n").decode(errors="replace")
            if entry.startswith("\x01"):
                _, parents, date, subject = entry.split("\x01", 3)
                is_merge = " " in parents
                message = f"{date}: {subject}"[:_MAX_MESSAGE_LENGTH]
            elif entry:  # ":<mode before> <mode> <blob before> <blob> <status>", then a path
                _, mode, _, blob, _ = entry.split()
                path = next(fields)
                if mode.startswith("100"):  # not gone, no link, no submodule
                    history = changes.setdefault(path, [])
                    if not (is_merge and history and history[-1][0] == blob):
                        history.append((blob, message))
    if log.returncode:
        raise SourceError(f"{folder}: git log failed ({log.returncode})")
    return changes


def _fields(stream: IO[bytes] | None) -> Iterator[bytes]:
    assert stream is not None
    rest = b""
    while chunk := stream.read(1 << 16):
        *fields, rest = (rest + chunk).split(b"\0")
        yield from fields


def _histories(
    folder: Path, files: list[tuple[bytes, list[Change]]], skipped: Counter[str]
) -> Iterator[History]:
    with _start(folder, "cat-file", "--batch") as contents:
        for path, changes in files:
            revisions = []
            for blob, message in changes:
                try:
                    content = read_json(_read(contents, blob))
                except _SkippedError as reason:
                    skipped[f"versions: {reason}"] += 1
                except ValueError:
                    skipped["versions: no valid JSON"] += 1
                else:
                    revisions.append(Revision(as_composition(content), message))
            if revisions:
                title = path.decode(errors="replace")[-200:]
                yield History(title, f"From {folder.resolve().name}", ["git"], revisions)
            else:
                skipped["files: no version could be read"] += 1


class _SkippedError(Exception):
    """The content of a file cannot be had; the message is why."""


def _read(contents: subprocess.Popen[bytes], blob: str) -> bytes:
    assert contents.stdin
    assert contents.stdout
    contents.stdin.write(f"{blob}\n".encode())
    contents.stdin.flush()
    header = contents.stdout.readline().split()
    if header[1:2] != [b"blob"]:
        raise _SkippedError("not in this clone")
    left = int(header[2])
    if left <= _MAX_BYTES:
        return contents.stdout.read(left + 1)[:-1]
    left += 1  # the newline after it
    while left and (passed_over := contents.stdout.read(min(left, _MAX_BYTES))):
        left -= len(passed_over)
    raise _SkippedError("larger than 1 MiB")


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", "-C", folder, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a terminal's Ctrl-C is for the demo, which ends this in order
    )


def _ask(folder: Path, *arguments: str) -> None:
    try:
        asked = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SourceError("--git needs the command git, which is not installed") from None
    if asked.returncode:
        raise SourceError(f"{folder}: {asked.stderr.strip()}")
