"""What requests send: no other keys and no other types. Every other rule is the database's."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, WithJsonSchema

from functions.core.database import Verbatim

Id = Annotated[UUID, Field(strict=False)]
Document = Annotated[
    InstanceOf[Verbatim],
    WithJsonSchema(
        {
            "type": "object",
            "description": "A composition document: docs/document.md. Its text reaches the database"
            " as it was sent, every digit of it.",
        }
    ),
]
Time = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d(:?\d\d)?)$",
        json_schema_extra={"format": "date-time"},
    ),
]
ShareRole = Annotated[str, Field(json_schema_extra={"enum": ["viewer", "editor"]})]
MemberRole = Annotated[str, Field(json_schema_extra={"enum": ["member", "admin", "owner"]})]
Grantee = Annotated[str, Field(pattern="^(user|organization)$")]


class Body(BaseModel):
    """A body of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def arguments(self) -> dict[str, Any]:
        """What was sent, by the names of the function's arguments."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Creation(Body):
    """A composition to be made."""

    title: str
    document: Document
    organization_id: Id | None = None
    description: str = ""
    tags: list[str] = []
    message: str | None = None


class Save(Body):
    """A version to be saved."""

    document: Document
    message: str | None = None
    on_conflict: str = "reject"


class Metadata(Body):
    """What a composition is called; what is null or left out stays."""

    title: str | None = None
    description: str | None = None
    tags: list[str] | None = None


class Label(Body):
    """What a version is called; null: nothing."""

    label: str | None


class Restoring(Body):
    """The version that comes back."""

    version: int
    message: str | None = None


class Forking(Body):
    """What a fork starts with."""

    title: str | None = None
    organization_id: Id | None = None
    version: int | None = None


class Transfer(Body):
    """Who owns a composition from now on, and which organisation it belongs to."""

    user_id: Id | None = None
    organization_id: Id | None = None


class Parameter(Body):
    """What a parameter is set to, and for whom."""

    parameter: Annotated[
        InstanceOf[Verbatim],
        WithJsonSchema(
            {
                "type": "object",
                "description": "With type, the whole parameter; without, what changes of it.",
            }
        ),
    ]
    scope: str = "composition"
    organization_id: Id | None = None
    message: str | None = None


class Promotion(Body):
    """What becomes of a layer."""

    into: str = "version"
    scope: str = "me"
    organization_id: Id | None = None
    title: str | None = None
    fork_organization_id: Id | None = None
    message: str | None = None


class Updating(Body):
    """How a fork takes over what became of what it was made from."""

    on_conflict: str = "reject"
    message: str | None = None


class Pin(Body):
    """What is shown in a context, and to whom."""

    composition_id: Id
    scope: str = "me"
    organization_id: Id | None = None
    position: int | None = None


class Turn(Body):
    """Which turn is undone."""

    conversation: str | None = None


class Sharing(Body):
    """What the grantee of a share may do."""

    role: ShareRole
    grantee: Grantee = "user"
    expires_at: Time | None = None


class Linking(Body):
    """A link to be made."""

    role: ShareRole
    expires_at: Time | None = None


class Validation(Body):
    """A document to be tried: any JSON."""

    document: Annotated[InstanceOf[Verbatim], WithJsonSchema({"description": "any JSON"})]


class Founding(Body):
    """An organisation to be made."""

    name: str


class Joining(Body):
    """The role of a member."""

    role: MemberRole


class Inviting(Body):
    """Who is invited."""

    email: str
    role: MemberRole


class InvitationToken(Body):
    """What was sent to who is invited."""

    token: Annotated[str, Field(max_length=200)]


class AccountDeletion(Body):
    """The address of the caller's own account, so that nobody deletes one by accident."""

    email: str | None


class Nothing(Body):
    """No body, or an empty object."""


class Scope(BaseModel):
    """Whose: the caller's, or that of an organisation."""

    model_config = ConfigDict(extra="forbid")

    scope: str = "me"
    organization_id: UUID | None = None


class Filter(BaseModel):
    """Which compositions are listed, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    search: str | None = None
    owner_id: UUID | None = None
    organization_id: UUID | None = None
    shared: bool | None = None
    tag: str | None = None
    dialect: str | None = None
    trashed: bool | None = None
    after: str | None = None
    limit: int = 50
