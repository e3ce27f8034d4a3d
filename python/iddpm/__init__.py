"""Draws images from diffusion models of iddpm, and measures the likelihood of images, through libiddpm.so.

    import iddpm
    images = iddpm.open("runs/demo").sample(16, steps=20)  # uint8 [16, height, width, channels]

Needs numpy and libiddpm.so, no torch. The library is found where the system's loader looks, or where the environment
variable IDDPM_LIBRARY says.
"""

from ._errors import Error, Interrupted
from ._library import __version__
from ._model import Model, Progress, open

__all__ = ["Error", "Interrupted", "Model", "Progress", "__version__", "open"]
