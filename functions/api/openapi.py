"""What /openapi.json says beyond what the routes do: answers, headers, refusals, who may ask.

Imported when somebody asks for it, and not before: no request needs any of it.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from functions.api.calls import WITH_ORIGIN

Json = dict[str, Any]
Role = Literal["owner", "editor", "viewer"]
Scope = Literal["me", "organization"]
ShareRole = Literal["editor", "viewer"]
MemberRole = Literal["owner", "admin", "member"]

_REF = "#/components/schemas/{model}"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Every refusal and every failure."""

    model_config = ConfigDict(extra="allow")

    error: str = Field(description="The code: a row of docs/errors.md.")
    message: str = Field(description="For people.")
    hint: str | None = Field(description="What to do next.")


class Written(_Shape):
    """What a write made."""

    composition_id: str
    version: int
    content_hash: str
    title: str
    updated_at: str


class Conflict(_Shape):
    """A place that both sides have changed, or that one has changed and the other taken away."""

    path: str = Field(description="A JSON Pointer, with elements of arrays by their id.")
    kind: str = Field(description="both_changed, delete_edit, edit_delete, order or structure.")
    base: JsonValue = None
    head: JsonValue = None
    mine: JsonValue = None
    problems: list[dict[str, JsonValue]] = []


class Saved(Written):
    """What a save made. A stale one that was merged says so."""

    merged: Literal[True] = True
    conflicts: list[Conflict] = []


class Layer(_Shape):
    """What somebody, or an organisation, has changed about a composition for themselves."""

    composition_id: str
    scope: Scope
    organization_id: str | None
    base_version: int | None
    version: int = Field(description="Of the head.")
    state: Literal["none", "applied", "stale", "conflict"]
    paths: list[str] = Field(description="Of parts that do not apply.")
    conflicts: list[Conflict] = []
    changes: list[str] = Field(description="Paths of all that it changes, to reset it by.")
    patch: list[dict[str, JsonValue]]
    sentences: list[str]
    updated_at: str | None


class Applied(_Shape):
    """A layer that lies over the head in what was loaded."""

    scope: Scope
    organization_id: str = ""
    base_version: int
    state: Literal["applied", "stale", "conflict"]
    paths: list[str]
    conflicts: list[Conflict] = []


class Preview(_Shape):
    """What a fork would take over, and what would change in it."""

    upstream_id: str
    from_version: int
    to_version: int
    up_to_date: bool
    merged: dict[str, JsonValue] = Field({}, description="The document that it would be.")
    conflicts: list[Conflict]
    patch: list[dict[str, JsonValue]] = []
    sentences: list[str] = []


class Updated(Written):
    """What a fork took over; where nothing was to be, it is as it was."""

    upstream_id: str
    from_version: int
    to_version: int
    up_to_date: bool
    merged: bool = False
    conflicts: list[Conflict]


class Transferred(Written):
    """Whose it is now."""

    owner_id: str
    organization_id: str | None


class Summary(_Shape):
    """A composition without its document."""

    composition_id: str
    title: str
    description: str
    tags: list[str]
    owner_id: str
    organization_id: str | None
    role: Role = Field(description="The caller's.")
    version: int
    content_hash: str
    etag: str
    updated_at: str
    forked_from_id: str | None
    forked_from_version: int | None


class Listed(Summary):
    """A composition of a list; of the trash, with the time it was put there."""

    deleted_at: str = ""


class Composition(Summary):
    """A composition."""

    document: dict[str, JsonValue]
    layers: list[Applied] = []


class Outline(Summary):
    """A composition with `view=outline`."""

    outline: dict[str, JsonValue] = Field(
        description="format, dialect, root, components: {id: {component, children?}}, and the"
        " names of sources and parameters; in the dialect json, body: {name: {type, count?}}"
    )
    layers: list[Applied] = []


class Parts(Summary):
    """A composition with `components=a,b`."""

    components: dict[str, JsonValue]
    missing: list[str] = Field(description="Names of which there is nothing.")
    layers: list[Applied] = []


class Reason(_Shape):
    """Why it is what a context comes to."""

    scope: Scope
    organization_id: str = ""
    context: str
    text: str = Field(description="For people.")


class Resolved(Composition):
    """A composition that a context comes to."""

    reason: Reason


class Place(_Shape):
    """A context in which something is pinned."""

    context: str
    scope: Scope
    organization_id: str | None
    position: int | None


class Belonging(_Shape):
    """An organisation that the caller belongs to."""

    organization_id: str
    name: str
    role: MemberRole


class Home(_Shape):
    """All that a first page needs."""

    home: Resolved | None
    contexts: list[Place]
    organizations: list[Belonging]
    etag: str
    version: int = Field(description="Of home; 0 without one.")


class Pin(Place):
    """What is shown in a context."""

    composition_id: str | None


class Pinned(Pin):
    """A pin in a list."""

    title: str
    role: Role


class Undone(_Shape):
    """What undoing a turn came to."""

    turn: str
    compositions: list[Written]
    trashed: list[str]
    layers: list[dict[str, JsonValue]]
    pins: list[Pin]
    organization_ids: list[str]


class VersionSummary(_Shape):
    """A version without its document."""

    composition_id: str
    version: int
    content_hash: str
    parent_version: int | None
    kind: str
    author_id: str | None
    origin: dict[str, JsonValue]
    message: str | None
    label: str | None
    created_at: str


class Version(VersionSummary):
    """A version."""

    document: dict[str, JsonValue]


class Difference(_Shape):
    """What changed: for programs (RFC 6902), and for people."""

    patch: list[dict[str, JsonValue]]
    sentences: list[str]


class Document(_Shape):
    """A document by its hash."""

    content_hash: str
    document: dict[str, JsonValue]


class DocumentProblem(_Shape):
    """What is wrong with a document."""

    code: str
    path: str
    message: str
    expected: str = ""
    allowed: list[str] = []
    nearest: str = ""


class Verdict(_Shape):
    """Whether a document could be saved."""

    valid: bool
    problems: list[DocumentProblem]


class Share(_Shape):
    """A share with a person or an organisation, or a link."""

    composition_id: str
    user_id: str | None
    organization_id: str | None
    link_id: str | None
    role: ShareRole
    expires_at: str | None
    created_by: str | None
    created_at: str


class NewLink(_Shape):
    """A link, with its token, which is shown this once."""

    link_id: str
    composition_id: str
    role: ShareRole
    expires_at: str | None
    created_by: str
    created_at: str
    token: str


class Organization(_Shape):
    """An organisation that the caller has made."""

    organization_id: str
    name: str
    role: Literal["owner"]
    created_at: str


class Membership(_Shape):
    """A person in an organisation."""

    organization_id: str
    user_id: str
    role: MemberRole
    created_at: str


class Invitation(_Shape):
    """An invitation to an organisation."""

    invitation_id: str
    organization_id: str
    email: str
    role: MemberRole
    expires_at: str
    created_by: str
    created_at: str


class NewInvitation(Invitation):
    """An invitation, with its token, which is shown this once."""

    token: str


class Compositions(_Shape):
    """A page of a list: `next` goes into `after`; null: it was the last one."""

    items: list[Listed]
    next: str | None


class Versions(_Shape):
    """A page of a history: `next` goes into `after`; null: it was the last one."""

    items: list[VersionSummary]
    next: str | None


class Deleted(_Shape):
    """Whom no token names any more, and who owns now what organisations the person was in."""

    user_id: str
    owner_ids: list[str]


class Data(BaseModel):
    """A page of what is held about the caller: docs/api.md, export_my_data."""

    model_config = ConfigDict(extra="allow")

    compositions: list[dict[str, JsonValue]]
    next: str | None


class Health(_Shape):
    """Which parts answer."""

    status: Literal["ok", "degraded"]
    database: Literal["ok", "unavailable"]
    cache: Literal["ok", "unavailable", "off"]
    version: str
    python: str


# By the names of the routes' functions.
ANSWERS: dict[str, Any] = {
    "accept_invitation": Membership,
    "accept_share_link": Share,
    "check_health": Health,
    "clear_parameter": Written | Layer,
    "create_composition": Written,
    "create_organization": Organization,
    "create_share_link": NewLink,
    "delete_composition": Written,
    "delete_my_account": Deleted,
    "diff_versions": Difference,
    "export_my_data": Data,
    "extend_layer": Layer,
    "fork_composition": Written,
    "get_document": Document,
    "get_layer": Layer,
    "get_version": Version,
    "invite_to_organization": NewInvitation,
    "label_version": VersionSummary,
    "list_invitations": list[Invitation],
    "list_my_compositions": Compositions,
    "list_pins": list[Pinned],
    "list_shares": list[Share],
    "list_versions": Versions,
    "load_composition": Composition | Outline | Parts,
    "load_home": Home,
    "open_share_link": Composition,
    "patch_composition": Saved,
    "pin_composition": Pin,
    "preview_upstream": Preview,
    "promote_layer": Written,
    "purge_composition": Written,
    "remove_organization_member": Membership,
    "reset_layer": Layer,
    "resolve_context": Resolved,
    "restore_version": Written,
    "revoke_invitation": Invitation,
    "revoke_share_link": Share,
    "save_version": Saved,
    "set_layer": Layer,
    "set_organization_member": Membership,
    "set_parameter": Written | Layer,
    "share_composition": Share,
    "transfer_composition": Transferred,
    "undelete_composition": Written,
    "undo_turn": Undone,
    "unpin_composition": Pin,
    "unshare_composition": Share,
    "update_from_upstream": Updated,
    "update_metadata": Written,
    "validate_document": Verdict,
}

# Where it is not the function of the same name.
_ROUTES_RUN = {"extend_layer": "set_layer"}
_ANYBODY = {"check_health", "open_share_link"}
_LOADS = {"load_composition", "load_home", "open_share_link", "resolve_context"}
_SAVES = {"save_version", "patch_composition"}
_CHANGES = {*_SAVES, "delete_composition"}  # are told if the version is not the head
_ON_ANY_VERSION = {"set_layer", "extend_layer"}
_ON_THE_HEAD = {"set_parameter", "clear_parameter", "update_from_upstream"}
_WITH_ETAG = {*_LOADS, "get_document"}


def describe(app: FastAPI) -> Json:
    """The OpenAPI document of the application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description="Interfaces as documents: saved, versioned, shared, and loaded from a cache."
        " What each route does, and refuses, is in docs/http.md and docs/errors.md.",
        routes=app.routes,
    )
    schemas: Json = document.setdefault("components", {}).setdefault("schemas", {})
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(operation, is_write=method != "get", schemas=schemas)
    _schema(Problem, schemas)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # FastAPI's own, which nobody gets
    document["components"]["securitySchemes"] = {
        "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    return document


def _complete(operation: Json, *, is_write: bool, schemas: Json) -> None:
    name = operation["operationId"]
    is_write = is_write and name != "validate_document"
    if name not in _ANYBODY:
        operation["security"] = [{"session": []}]
    parameters = operation.setdefault("parameters", [])
    if name in _CHANGES | _ON_ANY_VERSION | _ON_THE_HEAD:
        parameters.append(
            _header_parameter("If-Match", "The version changed", required=name not in _ON_THE_HEAD)
        )
    if name in _WITH_ETAG:
        parameters.append(_header_parameter("If-None-Match", "ETags of what the client has"))
    if is_write and name != "delete_my_account":
        parameters.append(
            _header_parameter("Idempotency-Key", "Run once for it, however often it is sent")
        )

    if _ROUTES_RUN.get(name, name) in WITH_ORIGIN and is_write:
        parameters.append(
            _header_parameter(
                "Composition-Origin",
                "Who makes it and how: a JSON object with kind, agent, conversation, turn",
            )
        )

    (status,) = (code for code in operation["responses"] if code.startswith("2"))
    headers = {}
    if name != "check_health":
        headers["Server-Timing"] = _header("How long the parts of the answer took, ms")
    if name in _WITH_ETAG:
        headers["ETag"] = _header("Of what was loaded")
    if name in _LOADS:
        headers["X-Cache"] = _header("hit, miss or bypass")
    if status == "201":
        headers["Location"] = _header("Of what was made")
    answer = {
        "description": "What it answers",
        "headers": headers,
        "content": {"application/json": {"schema": _schema(ANSWERS[name], schemas)}},
    }
    responses = operation["responses"] = {status: answer}
    if is_write:
        responses["202"] = answer | {
            "description": "The same. It is saved and in force in the database; cached reads will"
            " show it within seconds",
            "headers": headers | {"X-Cache": _header("pending")},
        }
    if name in _WITH_ETAG:
        responses["304"] = {"description": "The client has it", "headers": headers}
    for code, description in _refusals(name, "requestBody" in operation):
        responses[code] = {
            "description": description,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="Problem")}}},
        }


def _refusals(name: str, has_body: bool) -> list[tuple[str, str]]:
    refusals = [("422", "What was sent is not as it has to be: `problems`, or `argument`")]
    if name not in _ANYBODY:
        refusals.append(("401", "Nobody is signed in, or the token is not valid"))
    if name in _SAVES:
        refusals.append(
            (
                "412",
                "The head is another version: `head_version`, `current`, `merged`, `conflicts`;"
                " and `conflict_version` of what was kept",
            )
        )
    elif name in _CHANGES | _ON_THE_HEAD:
        refusals.append(("412", "The head is another version: `head_version` and `current`"))
    if name in _CHANGES | _ON_ANY_VERSION:
        refusals.append(("428", "If-Match is missing"))
    if has_body:
        refusals.append(("400", "The body is no strict JSON"))
        refusals.append(("413", "The body is too large, or nested too deeply"))
        refusals.append(("415", "The body is not sent as JSON"))
    refusals.append(("503", "The database gives no answer, or cannot do it now"))
    refusals.append(("default", "Refused by the database: docs/errors.md"))
    return refusals


def _schema(shape: Any, schemas: Json) -> Json:
    """A reference to the schema of an answer, or the schema; what it needs is added to all."""
    schema = TypeAdapter(shape).json_schema(ref_template=_REF)
    schemas |= schema.pop("$defs", {})
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
        return schema
    name = schema["title"]
    schemas[name] = schema
    return {"$ref": _REF.format(model=name)}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _header_parameter(name: str, description: str, *, required: bool = False) -> Json:
    return {"name": name, "in": "header", "required": required, **_header(description)}
