"""What is wrong with a job, said so that a person can mend it."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One thing that stops a job before anything is uploaded or created.

    Attributes:
        field: The manifest column concerned, such as ``video`` or ``reference_images[2]``.
        message: What was found, and the limit it breaks.
        advice: What to do about it.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.advice}"
