"""`python -m deployments.emulator [CONFIG.yaml]`: run the emulator until it is interrupted."""

import sys
from pathlib import Path

from deployments.emulator.config import EmulatorConfig
from deployments.emulator.server import serve

if __name__ == "__main__":
    config = EmulatorConfig.from_file(Path(sys.argv[1])) if sys.argv[1:] else EmulatorConfig()
    serve(config, on_ready=lambda url: print(url, flush=True))
