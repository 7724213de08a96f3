"""A repository as people make them: branches, merges, deletions, odd names, broken files."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from demo.git_history import open_repository
from demo.histories import SourceError

ODD_NAMES = ["über board.json", "line\nbreak.json", 'deep/er/"quoted".json', "-dash.json"]
EDITS = 52


class Repository:
    """A repository under construction; every commit is an hour after the last one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits = 0
        subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)

    def git(self, *arguments: str) -> None:
        self.commits += "commit" in arguments or "merge" in arguments
        date = f"{1_700_000_000 + 3600 * self.commits} +0000"
        author = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in {"NAME": "Ann", "EMAIL": "ann@example.com", "DATE": date}.items()
        }
        subprocess.run(
            ["git", "-C", self.folder, *arguments],
            env=os.environ | author,
            check=True,
            capture_output=True,
        )

    def commit(self, message: str, **files: object) -> None:
        """Commit files by name; None deletes, text and bytes are written as they are."""
        for name, content in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            elif isinstance(content, bytes):
                file.write_bytes(content)
            else:
                file.write_text(content if isinstance(content, str) else json.dumps(content))
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def histories(self, glob="*.json", wanted=0):
        source = open_repository(self.folder, glob, wanted)
        return {history.title: bodies(history) for history in source.histories}, source.skipped


def bodies(history):
    return [revision.document["body"] for revision in history.revisions]


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def test_every_commit_that_changed_a_file_is_a_version_oldest_first(repository):
    for edit in range(EDITS):
        name = ODD_NAMES[edit % len(ODD_NAMES)]
        repository.commit(f"Edit {edit}", **{name: {"edit": edit}, "notes.txt": str(edit)})

    found, skipped = repository.histories()

    assert found == {
        name: [{"edit": edit} for edit in range(first, EDITS, len(ODD_NAMES))]
        for first, name in enumerate(ODD_NAMES)
    }
    assert not skipped


def test_a_message_is_the_day_and_the_subject_within_the_limit(repository):
    repository.commit("Add a panel\n\nBecause.", **{"a.json": {}})
    repository.commit("é" * 2000, **{"a.json": {"b": 1}})

    [history] = open_repository(repository.folder, "*.json", 0).histories

    first, second = [revision.message for revision in history.revisions]
    assert first == "2023-11-14: Add a panel"
    assert second is not None and len(second) == 1000 and second.startswith("2023-11-15: éé")


def test_both_sides_of_a_merge_count_and_the_last_version_is_the_one_of_head(repository):
    repository.commit("base", **{"a.json": {"at": "base"}})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", **{"a.json": {"at": "side"}, "only-there.json": {"at": "side"}})
    repository.git("checkout", "-q", "main")
    repository.commit("main", **{"a.json": {"at": "main"}})
    repository.git("merge", "-q", "--strategy", "ours", "-m", "ours", "side")
    repository.commit("unrelated", **{"b.txt": ""})

    found, _ = repository.histories()

    *before, last = [body["at"] for body in found["a.json"]]
    assert before[0] == "base" and {"main", "side"} <= set(before) | {last}
    assert last == "main"
    assert found["only-there.json"] == [{"at": "side"}]


def test_a_merge_that_brings_nothing_new_is_no_version(repository):
    repository.commit("base", **{"a.json": {"at": "base"}})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", **{"a.json": {"at": "side"}})
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "side")

    assert repository.histories()[0] == {"a.json": [{"at": "base"}, {"at": "side"}]}


def test_a_deleted_file_keeps_its_history_and_goes_on_when_it_is_back(repository):
    repository.commit("add", **{"a.json": {"n": 1}, "gone.json": {}})
    repository.commit("remove", **{"a.json": None, "gone.json": None})
    repository.commit("again", **{"a.json": {"n": 1}})

    assert repository.histories()[0] == {"a.json": [{"n": 1}, {"n": 1}], "gone.json": [{}]}


def test_what_is_no_json_is_skipped_and_counted(repository):
    broken = {
        "bytes.json": b"\x00\xff\xfe",
        "deep.json": "[" * 100_000,
        "half-a-pair.json": r'"\ud800"',
        "huge.json": "1e999",
        "nan.json": "[NaN]",
    }
    repository.commit("add", **{"a.json": {"n": 1}}, **broken)
    repository.commit("break", **{"a.json": "{<<<<<<<"})
    repository.commit("mend", **{"a.json": {"n": 2}})

    found, skipped = repository.histories()

    assert found == {"a.json": [{"n": 1}, {"n": 2}]}
    assert skipped == {"versions: no valid JSON": 6, "files: no version could be read": 5}


def test_a_file_over_a_mebibyte_is_skipped_and_the_next_one_read(repository):
    repository.commit("add", **{"big.json": json.dumps("x" * 1024 * 1024), "small.json": {"n": 1}})

    found, skipped = repository.histories()

    assert found == {"small.json": [{"n": 1}]}
    assert skipped["versions: larger than 1 MiB"] == 1


def test_parents_come_first_whatever_the_clocks_say(repository):
    repository.commit("base", **{"a.json": {"at": "base"}})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", **{"b.json": {}})
    repository.git("checkout", "-q", "main")
    repository.commits = -1000
    repository.commit("main", **{"a.json": {"at": "main"}})
    repository.commits = 1000
    repository.git("merge", "-q", "-m", "merge", "side")

    assert repository.histories()[0]["a.json"] == [{"at": "base"}, {"at": "main"}]


def test_links_and_submodules_are_no_files(repository, tmp_path):
    repository.commit("add", **{"a.json": {}})
    (repository.folder / "link.json").symlink_to("a.json")
    module = Repository(tmp_path / "module")
    module.commit("add", **{"b.json": {}})
    allow = ("-c", "protocol.file.allow=always")
    repository.git(*allow, "submodule", "add", str(module.folder), "module.json")
    repository.commit("link both")

    found, skipped = repository.histories()

    assert found == {"a.json": [{}]} and not skipped


def test_what_is_no_object_becomes_one_and_a_composition_document_stays(repository):
    document = {"format": "composition/1", "dialect": "json", "body": {"mine": True}}
    repository.commit("add", **{"list.json": [1, 2], "ready.json": document})

    found, _ = repository.histories()

    assert found == {"list.json": [{"value": [1, 2]}], "ready.json": [{"mine": True}]}


def test_a_pattern_without_a_slash_holds_at_any_depth_and_another_one_from_the_folder(repository):
    repository.commit("add", **{"a.json": {}, "x/a.json": {}, "x/y/b.json": {}, "c.yaml": "{}"})

    assert list(repository.histories("a.json")[0]) == ["a.json", "x/a.json"]
    assert list(repository.histories("x/*.json")[0]) == ["x/a.json"]
    assert list(repository.histories("x/**/*.json")[0]) == ["x/a.json", "x/y/b.json"]


def test_the_wanted_number_of_files_is_spread_over_all_of_them(repository):
    repository.commit("add", **{f"{number}.json": {} for number in range(9)})

    assert list(repository.histories(wanted=3)[0]) == ["0.json", "3.json", "6.json"]


def test_a_bare_repository_reads_the_same(repository, tmp_path):
    repository.commit("add", **{"x/a.json": {"n": 1}})
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", repository.folder, bare], check=True)

    [history] = open_repository(bare, "*.json", 0).histories

    assert history.title == "x/a.json" and bodies(history) == [{"n": 1}]


def test_the_readers_own_configuration_changes_nothing(repository):
    repository.commit("add", **{"a.json": {"n": 1}})
    for name, value in {
        "color.ui": "always",
        "diff.renames": "copy",
        "log.diffMerges": "off",
        "log.showRoot": "false",
    }.items():
        repository.git("config", name, value)

    repository.git("mv", "a.json", "b.json")
    repository.commit("rename")

    assert repository.histories()[0] == {"a.json": [{"n": 1}], "b.json": [{"n": 1}]}


def test_a_folder_without_a_repository_without_commits_or_without_files_says_so(tmp_path):
    with pytest.raises(SourceError, match="not a git repository"):
        open_repository(tmp_path, "*.json", 0)
    with pytest.raises(SourceError, match="No such file"):
        open_repository(tmp_path / "nowhere", "*.json", 0)

    empty = Repository(tmp_path / "empty")
    with pytest.raises(SourceError, match="no commits"):
        open_repository(empty.folder, "*.json", 0)

    empty.commit("text only", **{"a.txt": ""})
    with pytest.raises(SourceError, match=r"no commit has a file like \*\.json"):
        empty.histories()
