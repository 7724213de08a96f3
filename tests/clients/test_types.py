"""What a frontend in TypeScript is told (types/), and clients/client.ts, which relies on it."""

from pathlib import Path

from devstack.packages import PROJECT
from scripts import database_types
from tests.clients.typescript import compile_typescript
from tests.docs.test_docs import rows, section


def test_the_types_are_those_of_the_database(stack):
    fresh = database_types.types_of(stack.addresses["database_url"])
    assert database_types.FILE.read_text() == fresh, "run `make types`"


def test_a_client_compiles_and_its_mistakes_do_not():
    assert compile_typescript(Path(__file__).with_name("client.ts")) == []


def test_every_function_has_a_shape(tmp_path):
    def compile_with(answers: str) -> list[str]:
        file = tmp_path / "functions.ts"
        file.write_text(
            f'import type {{ Database }} from "{PROJECT}/types/database.js";\n'
            f'import type {{ Answers as Shapes }} from "{PROJECT}/types/shapes.js";\n'
            f"type Answers = {answers};\n"
            'type Functions = Database["public"]["Functions"];\n'
            "type None<Names extends never> = Names;\n"
            "export type Lacking = None<Exclude<keyof Functions, keyof Answers>>;\n"
            "export type Unknown = None<Exclude<keyof Answers, keyof Functions>>;\n"
        )
        return compile_typescript(file)

    assert compile_with("Shapes") == []
    (lacking,) = compile_with('Omit<Shapes, "fork_composition">')
    assert "fork_composition" in lacking
    (unknown,) = compile_with("Shapes & { find_things: null }")
    assert "find_things" in unknown


def test_the_codes_of_problems_are_those_that_are_documented(tmp_path):
    codes = [row[0].strip("`") for row in rows(section("errors.md", "Problems of a document"))]

    def compile_with(codes: list[str]) -> list[str]:
        file = tmp_path / "codes.ts"
        file.write_text(
            f'import type {{ ProblemCode }} from "{PROJECT}/types/shapes.js";\n'
            f"export const codes: Record<ProblemCode, 0> = {{{': 0, '.join([*codes, ''])}}};\n"
        )
        return compile_typescript(file)

    assert compile_with(codes) == []
    assert len(compile_with(codes[1:])) == 1
    assert len(compile_with([*codes, "ugly"])) == 1
