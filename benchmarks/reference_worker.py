#!/usr/bin/env python3
"""One piece of work of the published Python implementation, in a process of its own: compare_with_reference.py runs it.

Prints one JSON object: the median seconds, and the process's peak memory in bytes.
"""

import argparse
import json
import os
import statistics
import sys
import time
import types
import warnings

import numpy
import torch


def import_reference(clone):
    """The reference's modules, without its MPI and storage libraries, which neither networks nor losses need."""
    for name in ("blobfile", "mpi4py", "mpi4py.MPI"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["mpi4py"].MPI = types.SimpleNamespace(COMM_WORLD=None)
    sys.path.insert(0, clone)
    from improved_diffusion import script_util

    return script_util


class Reference:
    """The published implementation, eagerly in float32: forward passes and training steps (loss, backward, AdamW, EMA).

    The same arguments give the same weights and inputs in every process.
    """

    def __init__(self, script_util, flags, batch):
        torch.manual_seed(0)
        arguments = {**script_util.model_and_diffusion_defaults(), **flags}
        self.model, self.diffusion = script_util.create_model_and_diffusion(**arguments)
        with torch.no_grad():  # layers that begin at zero would hide differences
            for parameter in self.model.parameters():
                if parameter.abs().sum() == 0 and parameter.dim() > 1:
                    parameter.normal_(0, 0.02)
        self.x = torch.randn(batch, 3, flags["image_size"], flags["image_size"]).clamp(-1, 1)
        self.t = torch.arange(batch) * (1000 // batch)

    def forward(self):
        with torch.no_grad():
            return self.model(self.x, self.t)

    def prepare_training(self):
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.ema = [parameter.detach().clone() for parameter in self.model.parameters()]

    def train(self):
        self.optimizer.zero_grad()
        self.diffusion.training_losses(self.model, self.x, self.t)["loss"].mean().backward()
        self.optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(self.ema, self.model.parameters()):
                average.mul_(0.9999).add_(parameter, alpha=1 - 0.9999)

    def write(self, folder, with_onnx):
        """Weights, inputs and output for the others to take."""
        torch.save(self.model.state_dict(), f"{folder}/model.pt")
        x, t = self.x.numpy(), self.t.numpy()
        numpy.savez(f"{folder}/inputs.npz", x=x, t=t.astype("float32"))  # what a network with T = 1000 sees
        numpy.save(f"{folder}/expected.npy", self.forward().numpy())
        if with_onnx:
            x.tofile(f"{folder}/x.bin")
            t.tofile(f"{folder}/t.bin")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the tracer's: of shapes that are the same here every time
                torch.onnx.export(self.model, (self.x, self.t), f"{folder}/network.onnx", input_names=["x", "t"],
                                  output_names=["output"], opset_version=16)


def median_seconds(work, repetitions):
    work()  # the first time sets everything up
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak_memory_bytes():
    """Of this program alone: what getrusage says may be that of the program that started it."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=["write", "forward", "train"])
    parser.add_argument("--reference", required=True, help="a clone of openai/improved-diffusion")
    parser.add_argument("--flags", type=json.loads, required=True, help="the reference's options, as JSON")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--folder", help="where 'write' puts its files")
    parser.add_argument("--onnx", action="store_true", help="write the network for ONNX Runtime, too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reference = Reference(import_reference(arguments.reference), arguments.flags, arguments.batch)
    result = {}
    if arguments.work == "write":
        reference.write(arguments.folder, arguments.onnx)
    else:
        if arguments.work == "train":
            reference.prepare_training()
        result["seconds"] = median_seconds(getattr(reference, arguments.work), arguments.repetitions)
    print(json.dumps({**result, "peak_memory_bytes": peak_memory_bytes()}))


if __name__ == "__main__":
    main()
