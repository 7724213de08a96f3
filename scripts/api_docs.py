"""Write docs/api.md: every function that clients may call, out of the headers of its sources.

    python -m scripts.api_docs

The signature of a function is its own, who may call it stands in policies/routines.sql, and the
rest is its header. A header that lacks an argument or names one that does not exist is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from devstack.packages import PROJECT
from scripts.sources import SUPABASE

FILE = PROJECT / "docs" / "api.md"

# (title, what its functions do, their names in the order of the page).
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Write",
        "make a composition and change it",
        (
            "create_composition",
            "save_version",
            "preview_merge",
            "patch_composition",
            "set_parameter",
            "clear_parameter",
            "update_metadata",
            "validate_document",
            "call_once",
        ),
    ),
    (
        "Find and load",
        "see what there is",
        ("load_composition", "get_document", "list_my_compositions", "export_my_data"),
    ),
    (
        "Personalise",
        "change how it looks for oneself, or for an organisation",
        ("set_layer", "get_layer", "reset_layer", "promote_layer"),
    ),
    (
        "Contexts",
        "say what is shown where",
        ("load_home", "resolve_context", "pin_composition", "unpin_composition", "list_pins"),
    ),
    (
        "History",
        "look back and go back",
        (
            "list_versions",
            "get_version",
            "diff_versions",
            "restore_version",
            "undo_turn",
            "label_version",
        ),
    ),
    (
        "Life",
        "copy, hand over and throw away",
        (
            "fork_composition",
            "update_from_upstream",
            "transfer_composition",
            "delete_composition",
            "undelete_composition",
            "purge_composition",
            "delete_my_account",
        ),
    ),
    (
        "Share",
        "let others in",
        (
            "share_composition",
            "unshare_composition",
            "list_shares",
            "create_share_link",
            "open_share_link",
            "accept_share_link",
            "revoke_share_link",
        ),
    ),
    (
        "Organise",
        "work as an organisation",
        (
            "create_organization",
            "add_organization_member",
            "set_organization_role",
            "remove_organization_member",
            "leave_organization",
            "invite_to_organization",
            "accept_invitation",
            "list_invitations",
            "revoke_invitation",
        ),
    ),
    (
        "Jobs",
        "what a server does on a schedule",
        (
            "pending_invalidations",
            "acknowledge_invalidations",
            "current_etags",
            "load_for_warming",
            "record_usage",
            "popular_compositions",
            "purge_trash",
            "purge_versions",
        ),
    ),
)

_NAMES = {name for _, _, names in GROUPS for name in names}

_CALLERS = {
    "authenticated": "signed-in people",
    "service_role": "the service role",
}

_OPENING = """\
<!-- Written by `make docs` from the headers of supabase/routines: never edited. -->

# The API

Functions of the schema `public`, called through PostgREST. Each answers one JSON value or refuses
with an [error](errors.md). A call is one transaction: a refusal has changed nothing.

```js
const { data, error } = await supabase.rpc("save_version", {
  composition_id: "0b7e…", base_version: 2, document, message: "Only short videos",
});
```

The same with nothing but HTTP:

```console
$ curl "$SUPABASE_URL/rest/v1/rpc/save_version" \\
    -H "apikey: $ANON_KEY" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
    -d '{"composition_id": "0b7e…", "base_version": 2, "document": {…}}'
{"composition_id": "0b7e…", "version": 3, "content_hash": "9f86…", "title": "Video library", …}
```

And had somebody else saved version 3 meanwhile, with status 409 (`error` of supabase-js holds it):

```json
{"code": "PT409", "message": "composition 0b7e… is at version 3, not 2",
 "details": "{\\"code\\": \\"version_conflict\\", \\"head_version\\": 3}",
 "hint": "Load the head, apply the change to it, and save again."}
```

- Every function takes `POST`, with its arguments as a JSON object. One that only reads takes `GET`
  as well, with its arguments in the query string; its first line says so. supabase-js sends that
  with `{ get: true }`. Servers log query strings: what is secret, such as a token, goes by `POST`.
  So does `jsonb`: PostgREST makes a JSON string of whatever a query string has.
- Arguments go by name, so their order does not matter; one that has a default may be left out. One
  that is not known is refused, like one that is missing (`PGRST202`).
- Types are Postgres' own. In JSON a `uuid` and a `text` are strings, a `timestamptz` is a string in
  ISO 8601, `text[]` is an array of strings, `jsonb` is any JSON.
- Lists come page by page: pass `next` of a page as `after` to get the one after it, until it is
  null.
- [types/shapes.ts](../types/shapes.ts) has the answers as TypeScript, for `createClient<Database>`.
"""


@dataclass(frozen=True)
class Argument:
    """An argument, by the signature and by the header."""

    name: str
    type: str
    default: str | None
    text: str


@dataclass(frozen=True)
class Function:
    """A function of the schema public.

    `errors` are (SQLSTATE, code, when). `callers` are roles of the database.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    reads_only: bool
    returns: str
    errors: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    callers: tuple[str, ...]


def main() -> None:
    """Write docs/api.md."""
    FILE.write_text(page(functions()))


def functions(folder: Path = SUPABASE) -> list[Function]:
    """The functions that somebody may call, by name.

    Raises:
        ValueError: A header and its function differ, or a grant names no function.
    """
    granted = _callers((folder / "policies" / "routines.sql").read_text())
    sources = {file.stem: file.read_text() for file in sorted(folder.glob("routines/*.sql"))}
    if missing := sorted(granted.keys() - sources.keys()):
        raise ValueError(f"granted, but in no file: {', '.join(missing)}")
    return [parse(name, text, granted[name]) for name, text in sources.items() if name in granted]


def parse(name: str, source: str, callers: tuple[str, ...] = ()) -> Function:
    """Read the source of a function.

    Args:
        name: Of the function in the schema public.
        source: Its header and its statement.
        callers: The roles that may execute it.

    Raises:
        ValueError: The header and the function differ.
    """
    signature = re.search(
        rf"^create function public\.{name}\((.*?)\)\s+returns .*?\b(volatile|stable|immutable)\b",
        re.sub(r"\s+--.*", "", source),
        re.MULTILINE | re.DOTALL,
    )
    if signature is None:
        raise ValueError(f"{name}: no signature with a volatility")
    summary, *paragraphs = _paragraphs(source)
    texts: dict[str, str] = {}
    errors: list[tuple[str, str, str]] = []
    notes = []
    for lines in paragraphs:
        if lines[0].startswith("  ") and "returns" not in texts:
            texts |= {key: _prose(text) for key, text in _items(name, lines, r"\w+")}
        elif lines[0].startswith("Raises"):
            errors += _errors(name, lines)
        elif not lines[0].startswith("Definer rights:"):
            notes.append(_note(lines))

    declared = list(_arguments(signature[1]))
    returns = texts.pop("returns", None)
    if list(texts) != [argument for argument, _, _ in declared]:
        raise ValueError(
            f"{name}: the header has {', '.join(texts) or 'no arguments'},"
            f" the function {', '.join(argument for argument, _, _ in declared) or 'none'}"
        )
    if returns is None:
        raise ValueError(f"{name}: the header does not say what it returns")
    return Function(
        name=name,
        summary=_prose(" ".join(summary)),
        arguments=tuple(Argument(*declaration, texts[declaration[0]]) for declaration in declared),
        reads_only=signature[2] != "volatile",
        returns=returns,
        errors=tuple(errors),
        notes=tuple(notes),
        callers=callers,
    )


def page(known: list[Function]) -> str:
    """The text of docs/api.md.

    Raises:
        ValueError: A function is in no group.
    """
    by_name = {function.name: function for function in known}
    groups = [(title, does, [by_name.pop(name) for name in names]) for title, does, names in GROUPS]
    if by_name:
        raise ValueError(f"in no group of scripts/api_docs.py: {', '.join(sorted(by_name))}")
    contents = [
        f"| [{title}](#{_anchor(title)}) | {does} | "
        + ", ".join(f"[`{function.name}`](#{function.name})" for function in members)
        + " |"
        for title, does, members in groups
    ]
    parts = [_OPENING, "\n".join(["| | | |", "|---|---|---|", *contents, ""])]
    for title, _, members in groups:
        parts += [f"## {title}\n", *(_section(function) for function in members)]
    return "\n".join(parts)


def _callers(policies: str) -> dict[str, tuple[str, ...]]:
    """The roles that may execute a function of the schema public, by its name."""
    statements = re.findall(
        r"^grant execute on function\s+(.*?)\s+to ([\w, ]+);", policies, re.MULTILINE | re.DOTALL
    )
    granted: dict[str, set[str]] = {}
    for named, roles in statements:
        for name in re.findall(r"\bpublic\.(\w+)\(", named):
            granted.setdefault(name, set()).update(re.split(r",\s*", roles))
    return {name: tuple(sorted(roles)) for name, roles in granted.items()}


def _paragraphs(source: str) -> Iterator[list[str]]:
    """The header without its comment marks."""
    header = takewhile(lambda line: line.startswith("--"), source.splitlines())
    text = "\n".join(line.removeprefix("--").removeprefix(" ").rstrip() for line in header)
    for paragraph in re.split(r"\n\n+", text.strip("\n")):
        yield paragraph.splitlines()


def _items(name: str, lines: list[str], key: str) -> Iterator[tuple[str, str]]:
    """A list of two columns; what is indented further goes on with the text above it."""
    item: tuple[str, str] | None = None
    for line in lines:
        if found := re.fullmatch(rf"  ({key})\s+(\S.*)", line):
            if item:
                yield item
            item = found[1], found[2]
        elif item and line.startswith("    "):
            item = item[0], f"{item[1]} {line.strip()}"
        else:
            raise ValueError(f"{name}: a line of the header that is in no list: {line}")
    if item:
        yield item


def _errors(name: str, lines: list[str]) -> Iterator[tuple[str, str, str]]:
    if lines[0] != "Raises" or len(lines) == 1:
        raise ValueError(f"{name}: errors that no list names: {lines[0]}")
    for key, text in _items(name, lines[1:], r"PT\d{3} \w+"):
        sqlstate, code = key.split()
        yield sqlstate, code, _prose(text)


def _note(lines: list[str]) -> str:
    """A further paragraph; what is indented in it is a list of two columns."""
    marks, texts = [""], [""]
    for line in lines:
        if found := re.fullmatch(r"  (\S+)\s{2,}(\S.*)", line):
            marks.append(f"- `{found[1]}`: ")
            texts.append(found[2])
        else:
            texts[-1] += f" {line.strip()}"
    written = [mark + _prose(text.strip()) for mark, text in zip(marks, texts, strict=True)]
    return "\n".join(written).strip()


def _arguments(declared: str) -> Iterator[tuple[str, str, str | None]]:
    """Name, type and default of each."""
    # A comma inside brackets or quotes separates nothing.
    for part in re.findall(r"(?:[^,('\"]|\([^)]*\)|'[^']*'|\"[^\"]*\")+", declared):
        if part.strip():
            name, rest = part.strip().split(maxsplit=1)
            type_, _, default = (side.strip() for side in rest.partition(" default "))
            # A word of SQL is quoted there, not in JSON.
            yield name.strip('"'), type_, _json(type_, default) if default else None


def _json(type_: str, default: str) -> str:
    """A default as it would be sent."""
    text = re.fullmatch(r"'([^']*)'(?:::\w+)?", default)
    if text is None:
        return default
    if type_.endswith("[]") and text[1] == "{}":
        return "[]"
    return text[1] if type_ == "jsonb" else f'"{text[1]}"'


def _prose(text: str) -> str:
    """Markdown of a text: shapes as code, functions and pages as links."""
    written, end = [], 0
    for start, stop in _shapes(text):
        written += [_words(text[end:start]), f"`{_quoted(text[start:stop])}`"]
        end = stop
    return "".join([*written, _words(text[end:])])


def _shapes(text: str) -> Iterator[tuple[int, int]]:
    """Where the outermost brackets of shapes such as {version, items: […]} begin and end."""
    depth = start = 0
    for at, letter in enumerate(text):
        if letter in "{[":
            start = start if depth else at
            depth += 1
        elif letter in "}]" and depth:
            depth -= 1
            if not depth:
                yield start, at + 1


def _words(text: str) -> str:
    text = re.sub(r"([<>|*`])", r"\\\1", text)
    text = re.sub(r'(?<!\w)("[\w-]+")(?!\w)', r"`\1`", _quoted(text))
    text = re.sub(r"(?<![.\w])[a-z]\w*\(\)", lambda call: _call(call[0][:-2]), text)
    text = re.sub(r"\bdocs/((\w+)\.md)", r"[\2](\1)", text)
    return re.sub(r"(?<![\w`#/(\[])([a-z]+(?:_[a-z]+)+)(?![\w`])", r"`\1`", text)


def _call(name: str) -> str:
    return f"[`{name}`](#{name})" if name in _NAMES else f"`{name}()`"


def _quoted(text: str) -> str:
    """SQL's way to write a string made JSON's."""
    return re.sub(r"(?<!\w)'([\w-]+)'(?!\w)", r'"\1"', text)


def _section(function: Function) -> str:
    # Of what a query string has for a jsonb, PostgREST makes a JSON string.
    needs_json = any(a.type == "jsonb" and a.default is None for a in function.arguments)
    verbs = "`GET` or `POST`" if function.reads_only and not needs_json else "`POST`"
    callers = (
        "anyone, signed in or not"
        if "anon" in function.callers
        else " and ".join(_CALLERS[role] for role in function.callers)
    )
    lines = [
        f"### {function.name}",
        "",
        function.summary,
        "",
        f"{verbs} `/rest/v1/rpc/{function.name}`, for {callers}.",
        "",
    ]
    if function.arguments:
        lines += ["| argument | type | default | |", "|---|---|---|---|"]
        lines += [
            f"| `{argument.name}` | `{argument.type}` | "
            + (f"`{argument.default}`" if argument.default is not None else "required")
            + f" | {argument.text} |"
            for argument in function.arguments
        ]
        lines.append("")
    lines += [f"**Returns** {function.returns}", ""]
    if function.errors:
        lines += ["| error | status | when |", "|---|---|---|"]
        lines += [
            f"| [`{code}`](errors.md#codes) | {sqlstate.removeprefix('PT')} | {when} |"
            for sqlstate, code, when in function.errors
        ]
        lines.append("")
    for note in function.notes:
        lines += [note, ""]
    return "\n".join(lines)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


if __name__ == "__main__":
    main()
