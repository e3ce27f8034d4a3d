"""Writes the sample files of this folder with NumPy and PyTorch (Debian: python3-numpy, python3-torch).

The tests state what they hold; run it again only to add samples: python3 make_samples.py
"""

import collections
import os
import zipfile

import numpy
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def numpy_samples():
    arrays = {
        "float32": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4,
        "fortran": numpy.asfortranarray(numpy.arange(24, dtype=numpy.float64).reshape(2, 3, 4)),
        "float16": numpy.arange(3, dtype=numpy.float16),
        "int64": numpy.array(-5),
        "int32": numpy.arange(5, dtype=numpy.int32) - 2,
        "int16": numpy.arange(5, dtype=numpy.int16) - 2,
        "int8": numpy.arange(5, dtype=numpy.int8) - 2,
        "uint8": numpy.arange(250, 256, dtype=numpy.uint8),
        "bool": numpy.array([True, False, True]),
        "empty": numpy.zeros((3, 0, 2), dtype=numpy.float32),
    }
    numpy.savez("numpy.npz", **arrays)
    numpy.savez_compressed("numpy_compressed.npz", **arrays)
    numpy.savez("numpy_objects.npz", good=numpy.arange(3), bad=numpy.array([{"a": 1}, None], dtype=object))
    numpy.savez("numpy_big_endian.npz", bad=numpy.arange(3, dtype=">f4"))
    numpy.savez("numpy_records.npz", bad=numpy.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))


def tensors():
    matrix = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    types = [
        torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
        torch.bool,
    ]
    state = collections.OrderedDict()
    state["matrix"] = matrix
    state["transposed"] = matrix.t()
    state["slice"] = matrix[1:, 1:3]
    state["expanded"] = torch.full((1, 2), 7.0).expand(3, 2)
    state["parameter"] = torch.nn.Parameter(torch.tensor([1.5, -2.5]))
    state["scalar"] = torch.tensor(3.25)
    state["empty"] = torch.zeros(2, 0, 3)
    for type in types:
        state[str(type).split(".")[1]] = torch.arange(4).to(type)
    state["nested"] = {"list": [torch.tensor([1.0]), (torch.tensor([2.0]), "text", None, True)], 5: {"n": torch.ones(1)}}
    state["numbers"] = [1, -1, 255, 65536, -(2**31), 2**40, 2**63 - 1, 2**80, 0.5, "\u00e9", b"bytes", {1, 2}]
    state["size"] = matrix.shape
    state["type"] = torch.float32
    state["device"] = torch.device("cpu")
    state["default"] = collections.defaultdict(dict, {"inside": torch.tensor([4.0])})
    return state


def torch_samples():
    for protocol in (2, 3, 4, 5):
        state = tensors()
        torch.save(state, f"torch_protocol_{protocol}.pt", pickle_protocol=protocol)
        if protocol in (2, 4):
            torch.save(
                state, f"torch_legacy_protocol_{protocol}.pt", pickle_protocol=protocol,
                _use_new_zipfile_serialization=False
            )

    weight = torch.nn.Parameter(torch.arange(3, dtype=torch.float32))
    optimizer = torch.optim.AdamW([weight], lr=1e-3)
    weight.grad = torch.tensor([1.0, -2.0, 0.0])
    optimizer.step()
    torch.save(optimizer.state_dict(), "torch_optimizer.pt")
    torch.save(optimizer.state_dict(), "torch_optimizer_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 1), "torch_module.pt")
    torch.save(torch.ones(2), "torch_bare_tensor.pt")


numpy_samples()
torch_samples()
