"""Models: opened, drawn from, and asked how likely images are."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import threading
import weakref
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Callable, Optional, Sequence, Union

import numpy
import numpy.typing

from ._errors import Error, Interrupted
from ._library import CALLBACK, INTERRUPTED, ImageSize, ProgressStruct, library

Images = numpy.typing.NDArray[numpy.uint8]


@dataclass(frozen=True)
class Progress:
    """How far a call is: what a progress function is told after every step."""

    done: int  #: of `total`: images times steps
    total: int
    first: int  #: of the batch under way: the place of its first image among those asked for
    images: int  #: and how many images it has
    step: int  #: of it, 1 to `steps`
    steps: int
    #: uint8 [images, height, width, channels]: what the model guesses now, if previews were asked for
    preview: Optional[Images]


#: Called after every step; returns True to stop, and False or None to go on.
ProgressFunction = Callable[[Progress], Optional[bool]]


def _check(status: int) -> None:
    if status != 0:
        raise Error(library.iddpm_last_error().decode(errors="replace"), library.iddpm_status_name(status).decode())


def _json(fields: dict[str, Any]) -> bytes:
    """Fields that are None are left to the library."""
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def _bytes(images: numpy.typing.ArrayLike, shape: tuple[int, int, int], what: str) -> Images:
    array = numpy.asarray(images)
    if array.dtype != numpy.uint8 or array.ndim != 4 or array.shape[1:] != shape or len(array) == 0:
        raise ValueError(f"{what}: expected uint8 [n, {', '.join(map(str, shape))}], got {array.dtype} {array.shape}")
    return numpy.ascontiguousarray(array)


class _Watch:
    """The callback of one call, within which it is used: `with _Watch(...) as watch`. An exception of the progress
    function stops the call and is raised at the end; so is KeyboardInterrupt. (Raised by Python within a callback, it
    would be lost: ctypes has nowhere to send it.)"""

    def __init__(self, progress: Optional[ProgressFunction], image_shape: tuple[int, int, int]) -> None:
        self._progress = progress
        self._image_shape = image_shape
        self._exception: Optional[BaseException] = None
        self._catches_signal = False
        self.callback = CALLBACK(self._call)

    def __enter__(self) -> _Watch:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
            self._catches_signal = True
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._catches_signal:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._exception is not None:
            raise self._exception

    def _interrupt(self, number: int, frame: Optional[FrameType]) -> None:
        self._exception = KeyboardInterrupt()

    def _call(self, pointer: Any, _: Any) -> int:
        try:
            if self._exception is not None:
                return 1
            if self._progress is None:
                return 0
            told: ProgressStruct = pointer.contents
            preview = None
            if told.preview:
                data = ctypes.string_at(told.preview, told.preview_size)
                preview = numpy.frombuffer(data, numpy.uint8).reshape((-1, *self._image_shape))
            progress = Progress(told.done, told.total, told.first, told.images, told.step, told.steps, preview)
            return 1 if self._progress(progress) else 0
        except BaseException as exception:  # pylint: disable=broad-except
            self._exception = exception
            return 1


class Model:
    """A model that is open. Any thread may use it, also at once. It is closed by `close`, by leaving `with`, or with the
    last reference to it."""

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        *,
        device: str = "auto",
        precision: str = "auto",
        raw: bool = False,
        ema_rate: Optional[float] = None,
        threads: Optional[int] = None,
    ) -> None:
        options = _json(
            {"device": device, "precision": precision, "raw": raw, "ema_rate": ema_rate, "threads": threads}
        )
        handle = ctypes.c_void_p()
        _check(library.iddpm_model_open(os.fsencode(path), options, ctypes.byref(handle)))
        self._handle = handle.value
        self._close = weakref.finalize(self, library.iddpm_model_free, handle.value)
        size = ImageSize()
        _check(library.iddpm_model_image_size(self._handle, ctypes.byref(size)))
        #: (height, width, channels) of the images that it draws
        self.image_shape: tuple[int, int, int] = (size.height, size.width, size.channels)
        #: of those that `sample_from` takes: smaller ones where the model enlarges
        self.input_shape: tuple[int, int, int] = (size.input_height, size.input_width, size.channels)
        #: how many classes it knows; 0: none
        self.classes: int = size.classes

    def close(self) -> None:
        """Frees it; every later call is an Error of kind "no such model". Closing again does nothing."""
        self._close()

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def describe(self) -> dict[str, Any]:
        """What `iddpm info --json` says of it, and its weights, device and precision."""
        needed = ctypes.c_size_t()
        _check(library.iddpm_model_describe(self._handle, None, 0, ctypes.byref(needed)))
        text = ctypes.create_string_buffer(needed.value)
        _check(library.iddpm_model_describe(self._handle, text, needed.value, None))
        description: dict[str, Any] = json.loads(text.value)
        return description

    def sample(
        self,
        count: int = 16,
        *,
        steps: Union[int, str, None] = None,
        seed: int = 0,
        first: int = 0,
        classes: Optional[Sequence[Union[int, str]]] = None,
        sampler: Optional[str] = None,
        guidance: Optional[float] = None,
        batch: int = 64,
        memory: Optional[int] = None,
        progress: Optional[ProgressFunction] = None,
        preview: bool = False,
        **options: Any,
    ) -> Images:
        """Draws images: uint8 [count, height, width, channels]. Image i of a seed is always the same.

        steps: 50, "trailing20" ...; the usual of the sampler if None. classes: those that images have in turn. memory:
        bytes that a batch may take. preview: show the progress function what the model guesses. options: the other
        fields of a request of iddpm_c.h, such as eta=0.5 or classifier="digits.safetensors".

        Raises Error, or Interrupted with the images that were finished if the progress function returned True."""
        fields = dict(options, count=count, steps=steps, seed=seed, first=first, sampler=sampler, guidance=guidance)
        fields.update(classes=classes if classes is None else list(classes), batch=batch, memory=memory)
        return self._draw(fields, None, progress, preview)

    def sample_from(
        self,
        images: numpy.typing.ArrayLike,
        count: Optional[int] = None,
        *,
        strength: Optional[float] = None,
        progress: Optional[ProgressFunction] = None,
        preview: bool = False,
        **options: Any,
    ) -> Images:
        """Draws images that begin at others, uint8 [m, *input_shape]: variations of them by `strength`, or, where the
        model enlarges, larger ones. Image n begins at image n modulo m; one of each unless a count is given. options:
        as for `sample`."""
        begin = _bytes(images, self.input_shape, "images")
        fields = dict(options, count=len(begin) if count is None else count, strength=strength)
        return self._draw(fields, begin, progress, preview)

    def labels(self, count: int = 16, **options: Any) -> numpy.typing.NDArray[numpy.int64]:
        """The classes of the images that `sample` draws with the same arguments, int64 [count]."""
        labels = numpy.empty(count, numpy.int64)
        request = _json(dict(options, count=count))
        _check(library.iddpm_sample_labels(self._handle, request, labels.ctypes.data, count))
        return labels

    def likelihood(
        self,
        images: numpy.typing.ArrayLike,
        labels: Optional[numpy.typing.ArrayLike] = None,
        *,
        steps: Union[int, str, None] = None,
        seed: int = 0,
        batch: int = 64,
        progress: Optional[ProgressFunction] = None,
    ) -> numpy.typing.NDArray[numpy.float64]:
        """The bound on the negative log-likelihood of each image, in bits per dimension, float64 [n]. images: uint8
        [n, *image_shape]; labels: their classes, for a model that knows classes."""
        pixels = _bytes(images, self.image_shape, "images")
        classes = None if labels is None else numpy.ascontiguousarray(labels, numpy.int64)
        if classes is not None and classes.shape != (len(pixels),):
            raise ValueError(f"labels: expected [{len(pixels)}], got {classes.shape}")
        bits = numpy.empty(len(pixels), numpy.float64)
        with _Watch(progress, self.image_shape) as watch:
            status = library.iddpm_likelihood(
                self._handle,
                _json({"steps": steps, "seed": seed, "batch": batch}),
                pixels.ctypes.data,
                pixels.nbytes,
                None if classes is None else classes.ctypes.data,
                bits.ctypes.data,
                len(pixels),
                watch.callback,
                None,
            )
        _check(status)
        return bits

    def _draw(
        self,
        fields: dict[str, Any],
        begin: Optional[Images],
        progress: Optional[ProgressFunction],
        preview: bool,
    ) -> Images:
        # A count that makes no array is the library's to refuse.
        count = fields["count"] if isinstance(fields["count"], int) and fields["count"] > 0 else 1
        pixels = numpy.zeros((count, *self.image_shape), numpy.uint8)
        request = _json(dict(fields, preview=preview or None))
        drawn = ctypes.c_int64()
        with _Watch(progress, self.image_shape) as watch:
            output = (pixels.ctypes.data, pixels.nbytes, ctypes.byref(drawn), watch.callback, None)
            if begin is None:
                status = library.iddpm_sample(self._handle, request, *output)
            else:
                status = library.iddpm_sample_from(self._handle, request, begin.ctypes.data, begin.nbytes, *output)
        if status == INTERRUPTED:
            sentence = library.iddpm_last_error().decode(errors="replace")
            raise Interrupted(sentence, "interrupted", pixels[: drawn.value])
        _check(status)
        return pixels


def open(
    path: Union[str, os.PathLike[str]],
    *,
    device: str = "auto",
    precision: str = "auto",
    raw: bool = False,
    ema_rate: Optional[float] = None,
    threads: Optional[int] = None,
) -> Model:
    """Opens a model file or the folder of a run.

    device: "auto", "cpu", "cuda" or "cuda:1"; precision: "auto", "float32" or "bfloat16"; raw: the raw weights, or
    ema_rate: those averaged at this rate, instead of the first averaged ones; threads: with how many each call computes.
    Raises Error if it is no model."""
    return Model(path, device=device, precision=precision, raw=raw, ema_rate=ema_rate, threads=threads)
