#!/usr/bin/env python3
"""Step time of data-parallel training on 1 ... 1,024 accelerators, for the networks of the paper (docs/scaling.md).

A model, not a measurement: a step computes forward and backward of its share of the batch, and adds up gradients by
a ring within each machine and one between machines (bandwidth-optimal all-reduce: Patarasuk and Yuan 2009). Backward,
two thirds of the computing, hides the exchange of all but the last bucket.
"""

import argparse

# Name, parameters, GFLOP of an image's forward pass ('iddpm benchmark --preset NAME' prints both; that of
# imagenet64-cond is imagenet64's times the square of the ratio of channels), images of a step.
NETWORKS = [
    ("cifar10", 52.5e6, 16.77, 128),
    ("imagenet64", 121.1e6, 79.47, 128),
    ("imagenet64-cond", 270e6, 178.8, 2048),
]


def all_reduce_seconds(size, machine, gradient_bytes, options):
    """Rings of reduce-scatter and all-gather within machines, then between them, each with its share of the bytes."""
    inside = min(size, machine)
    machines = size // inside
    seconds = 2 * (inside - 1) / inside * gradient_bytes / (options.inside * 1e9) + 2 * (inside - 1) * options.latency
    if machines > 1:
        seconds += 2 * (machines - 1) / machines * gradient_bytes / inside / (options.between * 1e9)
        seconds += 2 * (machines - 1) * options.latency
    return seconds


def step(network, size, options):
    """Seconds of a step, and of them those in which computing waits for the exchange."""
    _, parameters, gflop, batch = network
    images = max(batch * options.batches, size) / size
    # Small shares use an accelerator badly: half of the speed at `half` images.
    rate = options.tflops * 1e3 * images / (images + options.half)
    compute = 3 * gflop * images / rate
    gradient_bytes = 4 * parameters
    exchange = all_reduce_seconds(size, options.machine, gradient_bytes, options)
    buckets = max(1, gradient_bytes / (options.bucket * 1e6))
    waiting = 0 if size == 1 else max(exchange - 2 / 3 * compute, exchange / buckets)
    update = 28 * parameters / (options.memory * 1e9)  # reads and writes of AdamW and one average
    return compute + waiting + update, waiting


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflops", type=float, default=300, help="reached by an accelerator at large batches (300)")
    parser.add_argument("--half", type=float, default=4, help="images at which it reaches half of that (4)")
    parser.add_argument("--memory", type=float, default=2500, help="GB/s of its memory (2500)")
    parser.add_argument("--machine", type=int, default=8, help="accelerators of a machine (8)")
    parser.add_argument("--inside", type=float, default=300, help="GB/s between those of a machine (300)")
    parser.add_argument("--between", type=float, default=40, help="GB/s of each to other machines (40)")
    parser.add_argument("--latency", type=float, default=1e-5, help="seconds of a step of a ring (1e-5)")
    parser.add_argument("--bucket", type=float, default=8, help="MB of a bucket of gradients (8)")
    parser.add_argument("--batches", type=float, default=1, help="times the paper's batch (1)")
    options = parser.parse_args()
    for network in NETWORKS:
        name, parameters, _, batch = network
        alone, _ = step(network, 1, options)
        print(f"{name}: {parameters / 1e6:.0f} M parameters, {batch * options.batches:.0f} images a step")
        print("| accelerators | images each | ms a step | of them waiting | speed-up | efficiency |\n|---|---|---|---|---|---|")
        size = 1
        while size <= 1024 and size <= batch * options.batches:
            seconds, waiting = step(network, size, options)
            print(f"| {size} | {batch * options.batches / size:g} | {1e3 * seconds:.2f} | {1e3 * waiting:.2f} | "
                  f"{alone / seconds:.1f} | {alone / seconds / size:.2f} |")
            size *= 2
        print()


if __name__ == "__main__":
    main()
