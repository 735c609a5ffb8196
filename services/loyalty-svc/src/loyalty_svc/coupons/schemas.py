"""What goes in and out over HTTP about pools and codes."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Row

from loyalty_svc.coupons.codes import CODE_CHARACTERS_MAX, TYPED_CHARACTERS_MAX, shown
from loyalty_svc.coupons.coupon import Coupon
from loyalty_svc.coupons.pools import Imported, NewPool

COUNT_MAX: Final = 5_000_000
"""Codes in one generated pool."""
IMPORT_MAX: Final = 10_000
"""Codes in one import; a pool takes any number of imports."""
CouponCode = Annotated[str, Field(min_length=1, max_length=64, description="The coupon's code", examples=["ten-off"])]
Typed = Annotated[str, Field(min_length=1, max_length=TYPED_CHARACTERS_MAX)]


class PoolIn(BaseModel):
    """A pool: `generated` with a `count`, `public` with one `code` that everybody may know, or `imported`, empty."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "coupon": "twenty-off",
                    "kind": "generated",
                    "name": "autumn leaflets",
                    "count": 100_000,
                    "prefix": "AUT",
                }
            ]
        },
    )

    coupon: CouponCode
    kind: Literal["generated", "imported", "public"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    count: Annotated[int, Field(ge=1, le=COUNT_MAX, strict=True)] | None = None
    code: Typed | None = None
    prefix: Annotated[str, Field(pattern="^[A-Z0-9]{0,12}$", description="Stands before each generated code")] = ""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "PoolIn":
        if (self.kind == "generated") != (self.count is not None):
            raise ValueError("count belongs to generated pools, and they need it")
        if (self.kind == "public") != (self.code is not None):
            raise ValueError("code belongs to public pools, and they need it")
        if self.prefix and self.kind != "generated":
            raise ValueError("prefix belongs to generated pools")
        return self

    def to_pool(self, author: str) -> NewPool:
        """As the use case takes it."""
        return NewPool(self.coupon, self.kind, self.name, author, self.count or 0, self.code, self.prefix)


class PoolOut(BaseModel):
    """A pool. `made` of `wanted` codes are there; it is ready when all are. Personal codes are not counted here."""

    id: UUID
    coupon: str
    version: int
    kind: Literal["generated", "imported", "public", "personal"]
    name: str
    prefix: str
    status: Literal["making", "ready", "withdrawn"]
    wanted: int
    made: int
    created_at: datetime
    ready_at: datetime | None
    withdrawn_at: datetime | None
    author: str

    @classmethod
    def of(cls, row: Row[Any]) -> "PoolOut":
        """From a row of `queries.pools`."""
        status = "withdrawn" if row.withdrawn_at else "ready" if row.ready_at else "making"
        return cls.model_validate({**row._mapping, "status": status})


class ImportIn(BaseModel):
    """Codes from elsewhere: letters and digits, 40 at most; case, spaces and hyphens make no difference."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"codes": ["FILM-0001", "FILM-0002"]}]})

    codes: Annotated[list[Typed], Field(min_length=1, max_length=IMPORT_MAX)]


class ImportOut(BaseModel):
    """What became of them: `known` existed in some pool before, `invalid` are the indexes of what is no code."""

    added: int
    known: list[str]
    invalid: list[int]

    @classmethod
    def of(cls, imported: Imported) -> "ImportOut":
        """From the use case's outcome."""
        return cls(added=imported.added, known=imported.known, invalid=imported.wrong)


class IssueIn(BaseModel):
    """A code for this customer: a fresh one, or one that a pool has ready."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"coupon": "twenty-off"}]})

    coupon: CouponCode
    pool_id: UUID | None = None


class CodeOut(BaseModel):
    """A code: `code` is what the store compares, `shown` how to print it; any case and spacing is understood."""

    id: UUID
    code: Annotated[str, Field(max_length=CODE_CHARACTERS_MAX)]
    shown: str
    coupon: str
    version: int
    name: str
    terms: str | None
    pool_id: UUID
    customer_id: UUID | None
    state: Literal["usable", "not_begun", "expired", "used_up", "withdrawn"]
    uses: int
    uses_max: int | None
    issued_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any], coupon: Coupon, language: str, now: datetime) -> "CodeOut":
        """From a row of `queries.code` and its coupon, in the reader's language."""
        return cls(
            id=row.id,
            code=row.code,
            shown=shown(row.code),
            coupon=row.coupon,
            version=row.version,
            name=coupon.names[language],
            terms=coupon.terms[language] if coupon.terms else None,
            pool_id=row.pool_id,
            customer_id=row.customer_id,
            state=coupon.state_of(row.uses, row.expires_at, row.withdrawn_at, now=now),
            uses=row.uses,
            uses_max=coupon.uses_per_code,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
        )
