"""Body: what all requests share, and the types of their fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)


def _whole(text: str) -> str:
    """Refuse half a surrogate pair, which JSON can write and UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text, without lone surrogates") from None
    return text


Plain = Annotated[str, AfterValidator(_whole)]
Text = Annotated[Plain, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=1, lt=2**31)]


class Body(BaseModel):
    """A JSON object. Null is as good as nothing; what is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    null_is: ClassVar[dict[str, Any]] = {}
    """What null means for a field that has to be sent."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        filled = {k: cls.null_is.get(k) if v is None else v for k, v in data.items()}
        return {k: v for k, v in filled.items() if v is not None}
