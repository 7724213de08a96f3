"""The command, mostly on a stack of its own: what it reports, how it ends, what it leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.samples import FOLDER
from devstack.packages import PROJECT
from devstack.stack import Stack

SECONDS = 60


class Demo:
    """`python -m demo`, running, with temporary files of its own.

    Args:
        folder: For its temporary files.
        arguments: On its command line.
        stack: Where it is told to play; None: on one of its own.
    """

    def __init__(self, folder: Path, *arguments: str | Path, stack: Stack | None = None) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.page = folder / "page.html"
        outside = {
            "SUPABASE_URL",
            "SUPABASE_ANON_KEY",
            "SUPABASE_SERVICE_ROLE_KEY",
            "FUNCTIONS_URL",
        }
        environment = {name: value for name, value in os.environ.items() if name not in outside}
        if stack:
            environment["SUPABASE_URL"] = stack.addresses["supabase_url"]
            environment["SUPABASE_ANON_KEY"] = stack.addresses["anon_key"]
            environment["SUPABASE_SERVICE_ROLE_KEY"] = stack.addresses["service_role_key"]
        self.process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig=SIGTERM", sys.executable, "-m", "demo"),
                *("--page", self.page, *arguments),
            ],
            cwd=PROJECT,
            env=environment | {"TMPDIR": str(self.temporary), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> tuple[int, str, str]:
        """Its exit code, what it printed, and what it said meanwhile."""
        stdout, stderr = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, stdout, stderr

    def wait_for(self, words: str) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}")

    def leftovers(self) -> list[str]:
        """Processes with its folder in their arguments or environment, and files in it."""
        alive = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                traces = [(process / trace).read_bytes() for trace in ("cmdline", "environ")]
            except OSError:
                continue  # ended meanwhile
            if any(str(self.temporary).encode() in trace for trace in traces):
                alive.append(process.name)
        return alive + [file.name for file in self.temporary.iterdir()]


def test_it_plays_reports_and_leaves_nothing_behind(tmp_path):
    demo = Demo(tmp_path, "--samples", "--documents", "5", "--exit")

    code, report, said = demo.wait()

    assert code == 0, said
    versions = sum(1 + len(json.loads(file.read_text())["edits"]) for file in chosen(5))
    assert row(report, "compositions") == ["5"]
    assert row(report, "versions") == [str(versions + 1)], "all of the samples, and one restore"
    assert row(report, "of these different") == ["0"]
    assert row(report, "a stale save", 3) == ["409", "version_conflict", "1"]
    assert row(report, "a viewer's save", 3) == ["403", "composition_read_only", "1"]
    assert row(report, "a stranger's load", 3) == ["404", "composition_not_found", "1"]
    assert row(report, "a stranger's save", 3) == ["404", "composition_not_found", "1"]
    assert row(report, "an invalid document", 3) == ["422", "invalid_document", "1"]
    assert row(report, "compared versions") == row(report, "deleted an account") == ["1"]
    assert row(report, "audited the cache") == row(report, "shared, took back at once") == ["1"]
    assert row(report, "a stale PUT", 3) == ["412", "version_conflict", "5"]
    assert row(report, "a stale PATCH", 3) == ["412", "version_conflict", "2"]
    assert row(report, "kept a fork up to date") == row(report, "undid an agent's turn") == ["1"]
    assert row(report, "moved a default") == row(report, "saved at once in two places") == ["1"]
    assert "  Duration filter: none → under 10 minutes\n" in report
    assert "  /parameters/how-many/value: 12 → 20 there, 5 here\n" in report
    assert "Loads through the functions: " in report
    assert int(row(report, "hit")[0]) > int(row(report, "miss")[0])
    assert int(row(report, "seen after a direct save")[0]) > 5
    assert f"plots of the loads: {demo.page}" in report
    assert "Invalidation lag" in demo.page.read_text() and "0 wrong" in demo.page.read_text()
    assert "What changed, as diff_versions tells it\n  " in report
    assert re.search(r"^  /components/\S+: .* was probably meant\)$", report, re.MULTILINE)
    assert "FAILED" not in report and "left out" not in report
    assert demo.leftovers() == []


@pytest.mark.usefixtures("database")
def test_a_repository_is_played_with_what_the_database_refuses(tmp_path, stack):
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "good.json").write_text('{"n": 1}')
    (folder / "zero.json").write_text(r'{"n": "\u0000"}')
    (folder / "number.json").write_text('{"n": 1000000000000000000}')
    author = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    subprocess.run(["git", "-C", folder, "add", "."], check=True)
    subprocess.run(["git", "-C", folder, *author, "commit", "-qm", "Add"], check=True)

    code, report, said = Demo(tmp_path, "--git", folder, stack=stack).wait()

    assert code == 0, said
    assert row(report, "compositions") == ["1"]
    refused = [line for line in report.splitlines() if "a document of the source" in line]
    assert any("422" in line and "invalid_document" in line for line in refused)
    assert any("22P05" in line for line in refused)


def test_a_source_of_which_nothing_can_be_played_says_why(tmp_path, stack):
    entry = dict.fromkeys(["source", "license", "kind", "path", "commit", "committed_at"], "x")
    file = tmp_path / "corpus.jsonl"
    file.write_text(json.dumps(entry | {"document": {"n": 10**18}}))

    code, report, said = Demo(tmp_path, "--corpus", file, stack=stack).wait()

    assert (code, report) == (1, "")
    assert "nothing could be played: a document of the source 422 invalid_document" in said


def test_on_a_stack_that_runs_already_it_starts_nothing_and_ends_by_itself(
    tmp_path, stack, database
):
    [before] = database.execute("select count(*) from public.user_compositions").fetchone()
    demo = Demo(tmp_path, "--samples", "--documents", "2", stack=stack)

    code, report, said = demo.wait()

    assert code == 0, said
    assert row(report, "compositions") == ["2"]
    [after] = database.execute("select count(*) from public.user_compositions").fetchone()
    assert after == before + 2 + 3, "and a page, its fork, and what the newcomer left behind"
    assert row(report, "counted loads") == ["1"]
    assert re.findall("left out .*", report) == [
        "left out deleting an account: the database is not ours",
        "left out cached loads: they need FUNCTIONS_URL",
    ]
    assert not demo.page.exists()
    assert "postgres" not in said and "stays up" not in said
    assert demo.leftovers() == []


def test_what_does_not_hold_is_reported_and_makes_the_exit_code_1(tmp_path, stack, break_function):
    break_function(
        "private.save_document", "head.current_version = save_document.base_version", "true"
    )
    demo = Demo(tmp_path, "--samples", "--documents", "1", stack=stack)

    code, report, said = demo.wait()

    assert code == 1, said
    assert re.search(r"^FAILED \S+: a stale save was not refused$", report, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_while_it_starts(tmp_path, number):
    demo = Demo(tmp_path, "--samples")
    demo.wait_for("postgres")

    demo.process.send_signal(number)

    assert demo.wait()[0] == 130
    assert demo.leftovers() == []


def test_a_signal_stops_all_while_it_plays(tmp_path):
    demo = Demo(tmp_path, "--samples")
    demo.wait_for("gateway")
    time.sleep(1)

    for _ in range(3):
        demo.process.send_signal(signal.SIGINT)

    code, report, _ = demo.wait()
    assert (code, report) == (130, "")
    assert demo.leftovers() == []


def test_it_stays_up_to_be_tried_until_a_signal(tmp_path):
    demo = Demo(tmp_path, "--samples", "--documents", "1")
    demo.wait_for("stays up")
    assert demo.process.stdout
    report = ""
    while "\nEND\n" not in report:
        report += demo.process.stdout.readline()
    [program] = re.findall(r"<<'END'\n(.*)END\n", report, re.DOTALL)

    tried = subprocess.run(
        [sys.executable, "-"], input=program, text=True, capture_output=True, timeout=SECONDS
    )

    assert tried.returncode == 0, tried.stderr
    title = f"{json.loads(chosen(1)[0].read_text())['title']} (restored)"
    direct, *cached = tried.stdout.splitlines()
    assert direct == title
    assert [line.partition(" ")[2] for line in cached] == [title, title]
    demo.process.send_signal(signal.SIGINT)
    assert demo.wait()[0] == 0
    assert demo.leftovers() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--git", "/nowhere"], "/nowhere"),
        (["--corpus", "/nowhere.jsonl"], "/nowhere.jsonl"),
        (["--documents", "-1"], "--documents"),
        (["--git", "a", "b", "c"], "--git"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_starts(tmp_path, arguments, words):
    demo = Demo(tmp_path, *arguments)

    code, report, said = demo.wait()

    assert code in (1, 2) and report == ""
    assert words in said and "Traceback" not in said and "postgres" not in said


def chosen(count):
    """The samples that are played when so many are asked for."""
    files = sorted(FOLDER.glob("*.json"))
    return [files[index * len(files) // count] for index in range(count)]


def row(report, name, cells=1):
    """So many cells beside a name; more may follow, of a table beside it."""
    [line] = [line for line in report.splitlines() if f"│ {name} " in line]
    return [cell.strip() for cell in line.partition(f"│ {name} ")[2].split("│")[1 : 1 + cells]]
