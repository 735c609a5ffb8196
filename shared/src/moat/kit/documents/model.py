"""The base of every document's model: strict, frozen, and helpful about a name that is nearly right."""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from moat.kit.problems import nearest

LANGUAGES: Final = ("zh-CN", "en")
CODE: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"

Code = Annotated[str, Field(pattern=CODE)]
"""What a document, or a thing in one, is called by machines: `order-points`."""


def _in_both(texts: dict[str, str]) -> dict[str, str]:
    missing = [language for language in LANGUAGES if not texts.get(language, "").strip()]
    if missing:
        raise ValueError(f"a text is missing in {' and '.join(missing)}")
    return texts


Names = Annotated[
    dict[Literal["zh-CN", "en"], Annotated[str, Field(max_length=2000)]],
    AfterValidator(_in_both),
    Field(examples=[{"zh-CN": "消费积分", "en": "Points for orders"}]),
]
"""A text for people, in both languages."""


class DocumentModel(BaseModel):
    """A document or a part of one. An unknown member is refused with the names that look like it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest(cls, value: Any, handler: ModelWrapValidatorHandler["DocumentModel"]) -> "DocumentModel":
        try:
            return handler(value)
        except ValidationError as error:
            found = error.errors(include_url=False)
            places = [_place(one["loc"], value) for one in found]
            if places == [one["loc"] for one in found] and not any(map(_is_unknown, found)):
                raise
            lines = [_line(one, place, cls) for one, place in zip(found, places, strict=True)]
        raise ValidationError.from_exception_data(cls.__name__, lines)


Place = tuple[int | str, ...]


def _place(loc: Place, value: Any) -> Place:
    """Where an error is in the document: the validator also names the choice it took of several models."""
    place: list[int | str] = []
    for number, part in enumerate(loc):
        is_last = number == len(loc) - 1
        if isinstance(value, dict) and part not in value and not is_last:
            continue
        place.append(part)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return tuple(place)


def _is_unknown(error: Any) -> bool:
    return error["type"] == "extra_forbidden" and len(error["loc"]) == 1


def _line(error: Any, place: Place, model: type[BaseModel]) -> InitErrorDetails:
    message = error["msg"]
    if _is_unknown(error):
        message = f"unknown member{nearest(error['loc'][0], model.model_fields)}"
    told = PydanticCustomError(error["type"], "{message}", {"message": message})
    return InitErrorDetails(type=told, loc=place, input=error["input"])
