"""What goes wrong."""

from __future__ import annotations

import numpy
import numpy.typing


class Error(Exception):
    """What libiddpm refuses or can't do: a sentence, and of which kind it is."""

    def __init__(self, sentence: str, kind: str) -> None:
        super().__init__(sentence)
        #: "bad input", "damaged file", "unsupported", "out of memory", "interrupted", "not finite", "no such model",
        #: "buffer too small" or "internal"
        self.kind = kind


class Interrupted(Error):
    """Drawing that was stopped because the progress function asked for it."""

    def __init__(self, sentence: str, kind: str, images: numpy.typing.NDArray[numpy.uint8]) -> None:
        super().__init__(sentence, kind)
        #: those that were finished by then, uint8 [n, height, width, channels]
        self.images = images
