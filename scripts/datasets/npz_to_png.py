#!/usr/bin/env python3
"""Writes the images of a batch of the downsampled ImageNet as PNG files, in a sub-folder for each class.

The batch holds `data`, uint8 [N, 3 * size * size] by channel, and `labels`, whole numbers from 1.
"""

import argparse
import pathlib
import struct
import zlib

import numpy


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encode_png(pixels: numpy.ndarray) -> bytes:
    """PNG of 8-bit RGB pixels [height, width, 3], every row unfiltered."""
    height, width, _ = pixels.shape
    rows = numpy.zeros((height, 1 + 3 * width), numpy.uint8)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("batch", type=pathlib.Path, help="a file such as train_data_batch_1.npz")
    parser.add_argument("folder", type=pathlib.Path, help="where the classes' sub-folders go")
    arguments = parser.parse_args()

    with numpy.load(arguments.batch, allow_pickle=False) as arrays:
        data, labels = arrays["data"], arrays["labels"]
    size = round((data.shape[1] / 3) ** 0.5)
    if data.dtype != numpy.uint8 or data.shape != (len(labels), 3 * size * size):
        parser.error(f"{arguments.batch}: expected uint8 rows of square RGB images, found {data.dtype} {data.shape}")
    images = data.reshape(-1, 3, size, size).transpose(0, 2, 3, 1)
    for number, (image, label) in enumerate(zip(images, labels)):
        folder = arguments.folder / f"{int(label):04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{arguments.batch.stem}_{number:06d}.png").write_bytes(encode_png(image))
    print(f"{arguments.batch}: {len(images)} images")


if __name__ == "__main__":
    main()
