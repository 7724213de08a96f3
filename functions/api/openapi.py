"""What /openapi.json says beyond what the routes do: answers, headers, refusals, who may ask.

Imported when somebody asks for it, and not before: no request needs any of it.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

Json = dict[str, Any]
Role = Literal["owner", "editor", "viewer"]
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


class Outline(Summary):
    """A composition with `view=outline`."""

    outline: dict[str, JsonValue] = Field(
        description="format, dialect, root, components: {id: {component, children?}}, and the"
        " names of sources and parameters; in the dialect json, body: {name: {type, count?}}"
    )


class Parts(Summary):
    """A composition with `components=a,b`."""

    components: dict[str, JsonValue]
    missing: list[str] = Field(description="Names of which there is nothing.")


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
    "create_composition": Written,
    "create_organization": Organization,
    "create_share_link": NewLink,
    "delete_composition": Written,
    "delete_my_account": Deleted,
    "diff_versions": Difference,
    "export_my_data": Data,
    "fork_composition": Written,
    "get_document": Document,
    "get_version": Version,
    "invite_to_organization": NewInvitation,
    "label_version": VersionSummary,
    "list_invitations": list[Invitation],
    "list_my_compositions": Compositions,
    "list_shares": list[Share],
    "list_versions": Versions,
    "load_composition": Composition | Outline | Parts,
    "open_share_link": Composition,
    "purge_composition": Written,
    "remove_organization_member": Membership,
    "restore_version": Written,
    "revoke_invitation": Invitation,
    "revoke_share_link": Share,
    "save_version": Written,
    "set_organization_member": Membership,
    "share_composition": Share,
    "transfer_composition": Transferred,
    "undelete_composition": Written,
    "unshare_composition": Share,
    "update_metadata": Written,
    "validate_document": Verdict,
}

_ANYBODY = {"check_health", "open_share_link"}
_LOADS = {"load_composition", "open_share_link"}
_CHANGES = {"save_version", "delete_composition"}
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
    if name in _CHANGES:
        parameters.append(_header_parameter("If-Match", "The version changed", required=True))
    if name in _WITH_ETAG:
        parameters.append(_header_parameter("If-None-Match", "ETags of what the client has"))
    if is_write and name != "delete_my_account":
        parameters.append(
            _header_parameter("Idempotency-Key", "Run once for it, however often it is sent")
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
    if name in _CHANGES:
        refusals.append(("412", "The head is another version: `head_version` and `current`"))
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
