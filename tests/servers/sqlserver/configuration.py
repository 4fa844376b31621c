"""How the server behaves to new connections; kept in its folder, so that it can be changed while it runs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Tls = Literal["unsupported", "optional", "on", "required"]


@dataclass(frozen=True)
class Configuration:
    """tls: as MS-TDS 2.2.6.5 names the server's side. read_only_secondary: only ApplicationIntent=ReadOnly may enter (978, 3906)."""

    tls: Tls = "optional"
    read_only_secondary: bool = False

    def write(self, folder: Path) -> None:
        fresh = folder / "configuration.new"
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(folder / "configuration.json")

    @classmethod
    def read(cls, folder: Path) -> "Configuration":
        return cls(**json.loads((folder / "configuration.json").read_text()))
