// Runs an ONNX file by ONNX Runtime: node run_onnx.js MODEL OUTPUT NAME TYPE FILE EXTENTS ...
// FILE holds an input's raw values (float32 or int64), EXTENTS its shape ("2,3,8,8"); OUTPUT takes the output's float32.
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main([model, output, ...inputs]) {
  const feeds = {};
  for (let i = 0; i + 3 < inputs.length; i += 4) {
    const [name, type, file, extents] = inputs.slice(i, i + 4);
    const bytes = fs.readFileSync(file);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const values = type === "int64" ? new BigInt64Array(buffer) : new Float32Array(buffer);
    feeds[name] = new ort.Tensor(type, values, extents.split(",").map(Number));
  }
  const session = await ort.InferenceSession.create(model);
  const results = await session.run(feeds);
  const data = results.output.data;
  fs.writeFileSync(output, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
