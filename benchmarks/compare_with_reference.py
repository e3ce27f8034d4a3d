#!/usr/bin/env python3
"""Times the published Python implementation and iddpm alternately, on the same weights and inputs, and checks that they agree.

    git clone https://github.com/openai/improved-diffusion
    benchmarks/compare_with_reference.py --reference improved-diffusion

Needs Python 3 with PyTorch and NumPy (Debian: python3-torch, python3-numpy); ONNX Runtime's column needs the packages
onnx and onnxruntime and is left out without them. Figures are medians; ratios are of one run on one machine.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import types

NETWORKS = {
    "cifar10": {"batch": 8, "flags": {"image_size": 32, "num_channels": 128, "num_res_blocks": 3}},
    "small": {"batch": 32, "flags": {"image_size": 32, "num_channels": 32, "num_res_blocks": 2}},
}
COMMON = {"learn_sigma": True, "diffusion_steps": 1000, "noise_schedule": "cosine"}
TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2}  # root mean square difference, of the output's standard deviation
PRECISIONS = ("float32", "bfloat16")


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def import_reference(clone, torch):
    """The reference's modules, without its MPI and storage libraries, which neither networks nor losses need."""
    for name in ("blobfile", "mpi4py", "mpi4py.MPI"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["mpi4py"].MPI = types.SimpleNamespace(COMM_WORLD=None)
    sys.path.insert(0, clone)
    from improved_diffusion import script_util

    return script_util


class Reference:
    """The published implementation, eagerly in float32: forward passes and training steps (loss, backward, AdamW, EMA)."""

    def __init__(self, script_util, torch, settings, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch = torch
        arguments = {**script_util.model_and_diffusion_defaults(), **COMMON, **settings["flags"]}
        self.model, self.diffusion = script_util.create_model_and_diffusion(**arguments)
        with torch.no_grad():  # layers that begin at zero would hide differences
            for parameter in self.model.parameters():
                if parameter.abs().sum() == 0 and parameter.dim() > 1:
                    parameter.normal_(0, 0.02)
        size = settings["flags"]["image_size"]
        self.x = torch.randn(settings["batch"], 3, size, size).clamp(-1, 1)
        self.t = torch.arange(settings["batch"]) * (1000 // settings["batch"])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.ema = [parameter.detach().clone() for parameter in self.model.parameters()]

    def output(self):
        with self.torch.no_grad():
            return self.model(self.x, self.t).numpy()

    def forward_seconds(self):
        start = time.perf_counter()
        self.output()
        return time.perf_counter() - start

    def train_seconds(self):
        start = time.perf_counter()
        self.optimizer.zero_grad()
        self.diffusion.training_losses(self.model, self.x, self.t)["loss"].mean().backward()
        self.optimizer.step()
        with self.torch.no_grad():
            for average, parameter in zip(self.ema, self.model.parameters()):
                average.mul_(0.9999).add_(parameter, alpha=1 - 0.9999)
        return time.perf_counter() - start


def onnx_session(reference, folder, threads):
    """ONNX Runtime on the same network, or None where it isn't installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError:
        return None
    path = os.path.join(folder, "network.onnx")
    reference.torch.onnx.export(reference.model, (reference.x, reference.t), path, input_names=["x", "t"], opset_version=16)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def measure_ours(program, folder, precision, threads, repetitions, outputs=None):
    command = [program, "benchmark", "--checkpoint", f"{folder}/model.safetensors", "--inputs", f"{folder}/inputs.npz",
               "--precision", precision, "--threads", str(threads), "--repetitions", str(repetitions), "--json"]
    if outputs:
        command += ["--outputs", outputs]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def command_line(settings):
    return " ".join(f"--{key} {value}" for key, value in {**COMMON, **settings["flags"]}.items())


def compare(name, settings, script_util, arguments, torch, numpy):
    """One network: rounds of reference, ONNX Runtime and ours in turn. Returns the rows of the table."""
    reference = Reference(script_util, torch, settings, arguments.threads)
    ours = {precision: {"forward": [], "train": []} for precision in PRECISIONS}
    theirs = {"forward": [], "train": []}
    onnx_seconds = []
    with tempfile.TemporaryDirectory() as folder:
        torch.save(reference.model.state_dict(), f"{folder}/model.pt")
        subprocess.run([arguments.program, "convert", f"{folder}/model.pt", "--flags", command_line(settings),
                        "--out", f"{folder}/model.safetensors"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scaled = reference.t.numpy().astype("float32")  # what a network with T = 1000 sees
        numpy.savez(f"{folder}/inputs.npz", x=reference.x.numpy(), t=scaled)
        expected = reference.output()
        for precision in PRECISIONS:
            measure_ours(arguments.program, folder, precision, arguments.threads, 1, f"{folder}/{precision}.npz")
            actual = numpy.load(f"{folder}/{precision}.npz")["output"]
            difference = (actual - expected) / expected.std()
            error, largest = float(numpy.sqrt((difference**2).mean())), float(numpy.abs(difference).max())
            verdict = "agrees" if error <= TOLERANCE[precision] else "DISAGREES"
            print(f"{name}, {precision}: differs by {error:.1e} of the output's standard deviation (largest {largest:.1e}): {verdict}")
            if error > TOLERANCE[precision]:
                raise SystemExit(1)
        session = onnx_session(reference, folder, arguments.threads)
        reference.train_seconds()  # the first step sets everything up
        for _ in range(arguments.rounds):
            theirs["forward"].append(reference.forward_seconds())
            theirs["train"].append(reference.train_seconds())
            if session:
                start = time.perf_counter()
                session.run(None, {"x": reference.x.numpy(), "t": reference.t.numpy()})
                onnx_seconds.append(time.perf_counter() - start)
            for precision in PRECISIONS:
                result = measure_ours(arguments.program, folder, precision, arguments.threads, 3)
                for work in ("forward", "train"):
                    ours[precision][work].append(result[f"{work}_seconds"])
                ours[precision]["memory"] = result["peak_memory_bytes"]
    rows = []
    for work in ("forward", "train"):
        seconds = median(theirs[work])
        row = [f"{name}, batch {settings['batch']}, {work}", f"{seconds:.3f}"]
        row.append(f"{median(onnx_seconds):.3f}" if work == "forward" and onnx_seconds else "-")
        for precision in PRECISIONS:
            own = median(ours[precision][work])
            row.append(f"{own:.3f} ({seconds / own:.1f}x)")
        row.append(f"{ours['bfloat16']['memory'] / 1e9:.2f}" if work == "train" else "-")
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True, help="a clone of openai/improved-diffusion")
    parser.add_argument("--program", default="build/release/bin/iddpm", help="the program iddpm")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for both (default: all cores)")
    parser.add_argument("--rounds", type=int, default=3, help="of reference and ours in turn (default 3)")
    parser.add_argument("--networks", default="cifar10,small", help="which to compare")
    arguments = parser.parse_args()
    try:
        import numpy
        import torch
    except ImportError as error:
        sys.exit(f"compare_with_reference.py: {error}; on Debian: apt install python3-torch python3-numpy")
    if not os.path.isdir(os.path.join(arguments.reference, "improved_diffusion")):
        sys.exit(f"compare_with_reference.py: --reference: {arguments.reference} holds no folder improved_diffusion")
    script_util = import_reference(arguments.reference, torch)
    rows = [["work", "reference, s", "ONNX Runtime, s", "iddpm float32, s", "iddpm bfloat16, s", "peak memory, GB"]]
    for name in arguments.networks.split(","):
        if not re.fullmatch("|".join(NETWORKS), name):
            sys.exit(f"compare_with_reference.py: --networks: expected {' or '.join(NETWORKS)}, got {name}")
        rows += compare(name, NETWORKS[name], script_util, arguments, torch, numpy)
    print()
    for index, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if index == 0:
            print("|" + "---|" * len(row))


if __name__ == "__main__":
    main()
