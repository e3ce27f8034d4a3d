#!/usr/bin/env python3
"""Times the published Python implementation, ONNX Runtime and iddpm in turn, on the same weights and inputs, and checks
that they agree.

    git clone https://github.com/openai/improved-diffusion
    npm install onnxruntime-node@1.30.0 --ignore-scripts
    benchmarks/compare_with_reference.py --reference improved-diffusion --onnxruntime node_modules/onnxruntime-node

Needs Python 3 with PyTorch and NumPy (Debian: python3-torch, python3-numpy) and, for ONNX Runtime's column, Node.js;
without --onnxruntime that column is left out. Every measurement is a process of its own: seconds are the medians of the
rounds, peak memory is the largest resident set of the processes that did that work and nothing else. Ratios are of one
run on one machine.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy

NETWORKS = {
    "cifar10": {"batch": 8, "flags": {"image_size": 32, "num_channels": 128, "num_res_blocks": 3}},
    "small": {"batch": 32, "flags": {"image_size": 32, "num_channels": 32, "num_res_blocks": 2}},
}
COMMON = {"learn_sigma": True, "diffusion_steps": 1000, "noise_schedule": "cosine"}
TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2}  # root mean square difference, of the output's standard deviation
PRECISIONS = ("float32", "bfloat16")
HERE = os.path.dirname(os.path.abspath(__file__))


def json_of(command):
    """The JSON object that a command prints last."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compare_with_reference.py: failed: {' '.join(command)}")
    return json.loads(done.stdout[done.stdout.index("{"):])


class Comparison:
    """One network: everybody's commands for the same weights and inputs, in a folder of its own."""

    def __init__(self, name, arguments, folder):
        self.name, self.arguments, self.folder = name, arguments, folder
        self.batch = NETWORKS[name]["batch"]
        self.flags = {**COMMON, **NETWORKS[name]["flags"]}
        self.reference("write", "--folder", folder, *(["--onnx"] if arguments.onnxruntime else []))
        flags = " ".join(f"--{key} {value}" for key, value in self.flags.items())
        subprocess.run([arguments.program, "convert", f"{folder}/model.pt", "--flags", flags,
                        "--out", f"{folder}/model.safetensors"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.expected = numpy.load(f"{folder}/expected.npy")

    def reference(self, work, *options):
        return json_of([sys.executable, f"{HERE}/reference_worker.py", work, "--reference", self.arguments.reference,
                        "--flags", json.dumps(self.flags), "--batch", str(self.batch), *self.common_options(), *options])

    def onnx_runtime(self):
        return json_of(["node", f"{HERE}/onnx_runtime.js", self.arguments.onnxruntime, self.folder, str(self.batch),
                        str(self.flags["image_size"]), str(self.arguments.threads), str(self.arguments.repetitions)])

    def iddpm(self, work, precision, *options):
        result = json_of([self.arguments.program, "benchmark", "--checkpoint", f"{self.folder}/model.safetensors",
                          "--inputs", f"{self.folder}/inputs.npz", "--precision", precision, f"--{work}-only", "--json",
                          *self.common_options(), *options])
        return {"seconds": result[f"{work}_seconds"], "peak_memory_bytes": result["peak_memory_bytes"]}

    def common_options(self):
        return ["--threads", str(self.arguments.threads), "--repetitions", str(self.arguments.repetitions)]

    def check(self, who, output, tolerance):
        difference = (output.reshape(self.expected.shape) - self.expected) / self.expected.std()
        error, largest = float(numpy.sqrt((difference**2).mean())), float(numpy.abs(difference).max())
        verdict = "agrees" if error <= tolerance else "DISAGREES"
        print(f"{self.name}, {who}: differs by {error:.1e} of the output's standard deviation (largest {largest:.1e}): "
              f"{verdict}", flush=True)
        if error > tolerance:
            raise SystemExit(1)

    def check_outputs(self):
        for precision in PRECISIONS:
            output = f"{self.folder}/{precision}.npz"
            self.iddpm("forward", precision, "--outputs", output)
            self.check(f"iddpm {precision}", numpy.load(output)["output"], TOLERANCE[precision])
        if self.arguments.onnxruntime:
            self.onnx_runtime()
            self.check("ONNX Runtime", numpy.fromfile(f"{self.folder}/output.bin", dtype="float32"), TOLERANCE["float32"])

    def measure(self):
        """(who, work) -> the results of all rounds."""
        results = collections.defaultdict(list)
        for _ in range(self.arguments.rounds):
            for work in ("forward", "train"):
                results["reference", work].append(self.reference(work))
                if work == "forward" and self.arguments.onnxruntime:
                    results["onnx", work].append(self.onnx_runtime())
                for precision in PRECISIONS:
                    results[precision, work].append(self.iddpm(work, precision))
        return results


def row(comparison, results, work):
    """One line of the table."""
    def seconds(who):
        return statistics.median(result["seconds"] for result in results[who, work])

    def memory(who):
        measured = results.get((who, work))
        return f"{max(result['peak_memory_bytes'] for result in measured) / 1e9:.2f}" if measured else "-"

    others = [who for who in ("reference", "onnx") if (who, work) in results]
    cells = [f"{comparison.name}, batch {comparison.batch}, {work}", f"{seconds('reference'):.3f}",
             f"{seconds('onnx'):.3f}" if "onnx" in others else "-"]
    for precision in PRECISIONS:
        ratios = ", ".join(f"{seconds(who) / seconds(precision):.2f}x" for who in others)
        cells.append(f"{seconds(precision):.3f} ({ratios})")
    return cells + [" / ".join(memory(who) for who in ("reference", "onnx", *PRECISIONS))]


def print_table(rows):
    header = ["work", "reference, s", "ONNX Runtime, s", "iddpm float32, s (reference, ONNX Runtime)",
              "iddpm bfloat16, s (reference, ONNX Runtime)",
              "peak memory, GB (reference / ONNX Runtime / float32 / bfloat16)"]
    print()
    for line in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(line) + " |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True, help="a clone of openai/improved-diffusion")
    parser.add_argument("--onnxruntime", help="the folder of the npm package onnxruntime-node")
    parser.add_argument("--program", default="build/release/bin/iddpm", help="the program iddpm")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each program (default: all cores)")
    parser.add_argument("--rounds", type=int, default=3, help="of all programs in turn (default 3)")
    parser.add_argument("--repetitions", type=int, default=3, help="in one process, after one that sets up (default 3)")
    parser.add_argument("--networks", default="cifar10,small", help="which to compare")
    arguments = parser.parse_args()
    for name in arguments.networks.split(","):
        if name not in NETWORKS:
            parser.error(f"--networks: expected {' or '.join(NETWORKS)}, got {name}")
    if not os.path.isdir(os.path.join(arguments.reference, "improved_diffusion")):
        parser.error(f"--reference: {arguments.reference} holds no folder improved_diffusion")
    if arguments.onnxruntime and not os.path.isfile(os.path.join(arguments.onnxruntime, "package.json")):
        parser.error(f"--onnxruntime: {arguments.onnxruntime} holds no package.json; expected the folder of the npm "
                     "package onnxruntime-node")
    return arguments


def main():
    arguments = parse_arguments()
    rows = []
    for name in arguments.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            comparison = Comparison(name, arguments, folder)
            comparison.check_outputs()
            results = comparison.measure()
            rows += [row(comparison, results, work) for work in ("forward", "train")]
    print_table(rows)


if __name__ == "__main__":
    main()
