"""libiddpm.so as ctypes sees it: the functions of iddpm_c.h with their types."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Callable

__version__ = "0.1.0"

INTERRUPTED = 5  # iddpm_status
_SONAME = "libiddpm.so.0.1"


class ImageSize(ctypes.Structure):
    """iddpm_image_size"""

    _fields_ = [
        (name, ctypes.c_int64) for name in ("height", "width", "channels", "classes", "input_height", "input_width")
    ]


class ProgressStruct(ctypes.Structure):
    """iddpm_progress"""

    _fields_ = [(name, ctypes.c_int64) for name in ("done", "total", "first", "images", "step", "steps")] + [
        ("preview", ctypes.c_void_p),
        ("preview_size", ctypes.c_size_t),
    ]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ProgressStruct), ctypes.c_void_p)

_TEXT, _POINTER, _SIZE, _INTEGER = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "iddpm_status_name": (_TEXT, [ctypes.c_int]),
    "iddpm_last_error": (_TEXT, []),
    "iddpm_version": (_TEXT, []),
    "iddpm_model_open": (ctypes.c_int, [_TEXT, _TEXT, ctypes.POINTER(_POINTER)]),
    "iddpm_model_free": (ctypes.c_int, [_POINTER]),
    "iddpm_model_describe": (ctypes.c_int, [_POINTER, _TEXT, _SIZE, ctypes.POINTER(_SIZE)]),
    "iddpm_model_image_size": (ctypes.c_int, [_POINTER, ctypes.POINTER(ImageSize)]),
    "iddpm_sample": (
        ctypes.c_int,
        [_POINTER, _TEXT, _POINTER, _SIZE, ctypes.POINTER(_INTEGER), CALLBACK, _POINTER],
    ),
    "iddpm_sample_from": (
        ctypes.c_int,
        [_POINTER, _TEXT, _POINTER, _SIZE, _POINTER, _SIZE, ctypes.POINTER(_INTEGER), CALLBACK, _POINTER],
    ),
    "iddpm_sample_labels": (ctypes.c_int, [_POINTER, _TEXT, _POINTER, _INTEGER]),
    "iddpm_likelihood": (
        ctypes.c_int,
        [_POINTER, _TEXT, _POINTER, _SIZE, _POINTER, _POINTER, _INTEGER, CALLBACK, _POINTER],
    ),
}


class Library:
    """The functions of libiddpm.so."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, name)
            function.restype = result
            function.argtypes = arguments

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self._library, name)
        return function


def _load() -> Library:
    path = os.environ.get("IDDPM_LIBRARY", _SONAME)
    try:
        library = Library(path)
    except OSError as error:
        raise ImportError(
            f"{path} can't be loaded ({error}); the environment variable IDDPM_LIBRARY names another"
        ) from error
    version = library.iddpm_version().decode()
    if version.split(".")[:2] != __version__.split(".")[:2]:
        raise ImportError(f"{path} is of iddpm {version}; this module expects {__version__}")
    return library


library = _load()
