#!/usr/bin/env python3
"""Draws from a model through the C interface by nothing but Python's ctypes: what a binding in any language does.

sample_by_ctypes.py LIBRARY MODEL      (LIBRARY: libiddpm.so; the module `iddpm` is the comfortable way)
"""

import ctypes
import json
import sys


class Progress(ctypes.Structure):
    """iddpm_progress"""

    _fields_ = [(name, ctypes.c_int64) for name in ("done", "total", "first", "images", "step", "steps")] + [
        ("preview", ctypes.POINTER(ctypes.c_uint8)),
        ("preview_size", ctypes.c_size_t),
    ]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Progress), ctypes.c_void_p)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    library = ctypes.CDLL(sys.argv[1])
    library.iddpm_last_error.restype = ctypes.c_char_p

    def check(status: int) -> None:
        if status != 0:
            sys.exit(library.iddpm_last_error().decode())

    model = ctypes.c_void_p()
    check(library.iddpm_model_open(sys.argv[2].encode(), None, ctypes.byref(model)))

    needed = ctypes.c_size_t()
    check(library.iddpm_model_describe(model, None, ctypes.c_size_t(0), ctypes.byref(needed)))
    text = ctypes.create_string_buffer(needed.value)
    check(library.iddpm_model_describe(model, text, needed, None))
    network = json.loads(text.value)["model"]["network"]
    image_bytes = network["image_height"] * network["image_width"] * network["image_channels"]

    @CALLBACK
    def show(progress: "ctypes._Pointer[Progress]", _: int) -> int:
        now = progress.contents
        print(f"step {now.step} of {now.steps}, images {now.first} to {now.first + now.images - 1}", file=sys.stderr)
        return 0  # anything else: stop

    count = 3
    pixels = (ctypes.c_uint8 * (count * image_bytes))()
    drawn = ctypes.c_int64()
    request = json.dumps({"count": count, "seed": 7, "steps": 5, "batch": 2}).encode()
    check(library.iddpm_sample(model, request, pixels, ctypes.c_size_t(len(pixels)), ctypes.byref(drawn), show, None))
    check(library.iddpm_model_free(model))
    print(f"{drawn.value} images, mean pixel {sum(pixels) / len(pixels):.1f}")


if __name__ == "__main__":
    main()
