"""What every contender is told on its command line, and how it asks for an edit."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Said:
    """One contender's orders.

    Attributes:
        base_url: The provider's address, ending in /api/v1.
        clip: Address of the clip that every edit takes.
        edits: How many edits, told apart by their prompts.
        slots: How many provider tasks it keeps alive at once.
        clock_scale: Provider seconds in one real second: all its waits are divided by it.
        folder: Where its results go.
    """

    base_url: str
    clip: str
    edits: int
    slots: int
    clock_scale: float
    folder: str

    @classmethod
    def read(cls) -> Self:
        return cls(**json.loads(sys.argv[1]))

    def told(self) -> str:
        return json.dumps(asdict(self))

    def prompts(self) -> list[str]:
        return [f"Edit {number}: turn it into claymation" for number in range(self.edits)]

    def body(self, prompt: str) -> dict[str, Any]:
        return {
            "model": "wan2.7-videoedit",
            "input": {"prompt": prompt, "media": [{"type": "video", "url": self.clip}]},
            "parameters": {"resolution": "720P", "watermark": False},
        }
