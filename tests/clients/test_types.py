"""What a frontend in TypeScript is told (types/), and clients/client.ts, which relies on it."""

import json
import subprocess
from pathlib import Path

import pytest

from devstack import packages
from devstack.packages import PROJECT
from scripts import api_docs, database_types
from tests.samples import sample, small


def compile_typescript(file: Path) -> list[str]:
    """What the compiler finds wrong with a program."""
    done = subprocess.run(
        [
            packages.node(),
            packages.NODE_MODULES / "typescript" / "bin" / "tsc",
            "--noEmit",
            "--strict",
            "--exactOptionalPropertyTypes",
            "--noUncheckedIndexedAccess",
            "--skipLibCheck",  # of packages: theirs need the types of Node
            "--target",
            "es2022",
            "--module",
            "nodenext",
            file,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "error TS" in line]


def test_the_types_are_those_of_the_database(stack):
    fresh = database_types.types_of(stack.addresses["database_url"])
    assert database_types.FILE.read_text() == fresh, "run `make types`"


def test_a_client_compiles_and_its_mistakes_do_not():
    assert compile_typescript(Path(__file__).with_name("client.ts")) == []


@pytest.fixture
def answers(new_client):
    """Answers of every function that has a shape, as many as differ in what may be null."""
    given: dict[str, list[object]] = {}
    readers = {function.name for function in api_docs.functions() if function.reads_only}

    def call(client, function, **arguments):
        if get := function in readers:
            arguments = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in arguments.items()
            }
        answer = client.rpc(function, arguments, get=get).execute().data
        given.setdefault(function, []).append(answer)
        return answer

    ann, ben = new_client("ann"), new_client("ben")
    ben_id = ben.auth.get_user().user.id
    northwind = {
        "organization_id": call(ann, "create_organization", name="Northwind")["organization_id"]
    }
    member = northwind | {"user_id": ben_id}
    call(ann, "add_organization_member", **member, role="member")
    call(ann, "set_organization_role", **member, role="admin")

    made = call(ann, "create_composition", title="Mine", document=sample(), tags=["videos"])
    mine = {"composition_id": made["composition_id"]}
    theirs = call(ann, "create_composition", title="Theirs", document=small(), **northwind)
    call(ann, "save_version", **mine, base_version=1, document=small(n=2), message="Smaller")
    call(ann, "restore_version", **mine, version=1)
    for version in (1, 2, 3):
        call(ann, "get_version", **mine, version=version)
    call(ann, "list_versions", **mine)
    call(ann, "list_versions", **mine, row_limit=1)
    call(ann, "load_composition", **mine)
    call(ben, "load_composition", composition_id=theirs["composition_id"])
    call(ann, "share_composition", **mine, user_id=ben_id, role="viewer")
    end = "2100-01-01T00:00:00Z"
    call(ann, "share_composition", **mine, **northwind, role="editor", expires_at=end)
    call(ann, "list_shares", **mine)
    call(ben, "list_my_compositions")
    call(ben, "list_my_compositions", row_limit=1)
    call(ann, "unshare_composition", **mine, user_id=ben_id)
    call(ann, "delete_composition", **mine)
    call(ann, "undelete_composition", **mine)
    call(ann, "delete_composition", **mine)
    call(ann, "purge_composition", **mine)

    call(ann, "remove_organization_member", **member)
    call(ann, "leave_organization", **northwind)
    return given


def program(answers: dict[str, list[object]]) -> str:
    # A literal may have no key that its type lacks.
    return (
        f'import type {{ Answers }} from "{PROJECT}/types/shapes.js";\n'
        "export const answers: { [Name in keyof Answers]: Answers[Name][] } = "
        f"{json.dumps(answers, indent=1)};\n"
    )


def test_answers_have_the_shapes_that_are_promised(answers, tmp_path):
    file = tmp_path / "answers.ts"
    file.write_text(program(answers))
    assert compile_typescript(file) == []

    # So that it is known to look: a key too few, one too many, another value.
    del answers["load_composition"][0]["etag"]
    answers["list_versions"][0]["items"][0]["colour"] = None
    answers["list_shares"][0][0]["role"] = "owner"
    file.write_text(program(answers))
    assert len(compile_typescript(file)) == 3
