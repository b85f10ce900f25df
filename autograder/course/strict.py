"""What all models of the course file share: nothing unknown, nothing converted, faults with their place.

Used by `models` and `late` alone.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def fault(message: str, *path: str | int) -> PydanticCustomError:
    """A rule of ours that was broken, at `path` below the model that is being validated."""
    # Pydantic would read braces in the message as placeholders, so the text travels in the context.
    return PydanticCustomError("course_rule", "{message}", {"message": message, "path": path})
