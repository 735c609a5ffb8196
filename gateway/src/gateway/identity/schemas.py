"""What goes in and out of identity over HTTP. No answer has a hash or digest; a key's secret is shown once."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from sqlalchemy import Row

from gateway.identity.roles import Role, Scope
from moat.kit.instants import Instant

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"
    ),
]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
]
NewPassword = Annotated[SecretStr, Field(min_length=12, max_length=200)]
Roles = Annotated[list[Role], Field(max_length=4)]


class In(BaseModel):
    """A body from outside: fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SignIn(In):
    """E-mail and password of a member of staff."""

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class CustomerTokenIn(In):
    """For whom the token is."""

    customer_id: UUID


class TokenOut(BaseModel):
    """A bearer token and how long it is good."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in_seconds: int


class MeOut(BaseModel):
    """Who is calling, and what his token is good for."""

    kind: Literal["staff", "key", "customer"]
    id: str
    name: str | None
    email: str | None
    roles: list[str]
    scopes: list[str]
    customer_id: UUID | None
    expires_at: datetime | None


class StaffIn(In):
    """A new member of staff."""

    email: Email
    name: Name
    roles: Roles
    password: NewPassword


class StaffPatch(In):
    """What may change; a new password, other roles or leaving end every token that is out."""

    name: Name | None = None
    roles: Roles | None = None
    is_active: bool | None = None
    password: NewPassword | None = None


class StaffOut(BaseModel):
    """A member of staff."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "StaffOut":
        return cls.model_validate(dict(row._mapping))


class ApiKeyIn(In):
    """A new API key."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    expires_at: Instant | None = None


class ApiKeyOut(BaseModel):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> "ApiKeyOut":
        return cls.model_validate(dict(row._mapping))


class NewApiKeyOut(ApiKeyOut):
    """The only answer that ever holds the key itself."""

    key: str
