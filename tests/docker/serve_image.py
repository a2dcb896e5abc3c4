"""`python -m tests.docker.serve_image` serves from the built image, with the settings of the environment.

For the acceptance runner: `bench.py run --backend "python -m tests.docker.serve_image" ..`; it sets PORT, LABEL_STUDIO_URL,
LABEL_STUDIO_API_KEY and MICRO_MODELS_DATA_DIR.
"""

import os
from pathlib import Path

from tests.docker.buildah import FOLDER, Buildah
from tests.docker.container import ON_THIS_MACHINE, command, hand_over

if __name__ == "__main__":
    image = Buildah(FOLDER)
    config = image.config()
    data = Path(os.environ["MICRO_MODELS_DATA_DIR"])
    hand_over(data, config.user)
    words = command(image, config, data, *config.command)
    # A container knows nothing of the environment around it but what it is told.
    told = {n: v for n, v in os.environ.items() if n == "PORT" or n.startswith(("MICRO_MODELS_", "LABEL_STUDIO_"))}
    os.execve(words[0], words, told | config.env | ON_THIS_MACHINE)
