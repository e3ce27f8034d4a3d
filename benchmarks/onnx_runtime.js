// Forward passes by ONNX Runtime, in a process of their own: compare_with_reference.py runs it.
//
//   node onnx_runtime.js PACKAGE FOLDER BATCH IMAGE_SIZE THREADS REPETITIONS
//
// PACKAGE is the folder of the npm package onnxruntime-node. FOLDER holds network.onnx, x.bin (float32) and t.bin
// (int64); output.bin (float32) is written beside them. Prints one JSON object: the median seconds, and the process's
// peak memory in bytes.
"use strict";

const fs = require("fs");
const path = require("path");

const [packageFolder, folder] = process.argv.slice(2, 4);
const [batch, size, threads, repetitions] = process.argv.slice(4).map(Number);
const runtime = require(path.resolve(packageFolder));

function read(name, ArrayType) {
  const bytes = fs.readFileSync(path.join(folder, name));
  return new ArrayType(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

async function main() {
  const session = await runtime.InferenceSession.create(path.join(folder, "network.onnx"), {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  const inputs = {
    x: new runtime.Tensor("float32", read("x.bin", Float32Array), [batch, 3, size, size]),
    t: new runtime.Tensor("int64", read("t.bin", BigInt64Array), [batch]),
  };
  const seconds = [];
  for (let i = 0; i <= repetitions; ++i) {
    const start = process.hrtime.bigint();
    const { output } = await session.run(inputs);
    if (i > 0) seconds.push(Number(process.hrtime.bigint() - start) / 1e9);  // the first time sets everything up
    if (i === 0) fs.writeFileSync(path.join(folder, "output.bin"), Buffer.from(output.data.buffer, output.data.byteOffset, output.data.byteLength));
  }
  console.log(JSON.stringify({ seconds: median(seconds), peak_memory_bytes: 1024 * process.resourceUsage().maxRSS }));
}

main().catch((error) => {
  console.error(`onnx_runtime.js: ${error.message}`);
  process.exit(1);
});
