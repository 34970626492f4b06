// Checks policy.onnx in ONNX Runtime against what the policy did.
// usage: node check.js onnx FOLDER N_SENSORS FORCE_LIMIT (see exported_in_python.py)
const assert = require('assert');
const fs = require('fs');
const ort = require('onnxruntime-node');

async function main(folder, nSensors, limit) {
  const session = await ort.InferenceSession.create(`${folder}/policy.onnx`, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  assert.deepStrictEqual(session.inputNames, ['obs']);
  assert.deepStrictEqual(session.outputNames, ['force_n', 'action']);
  const bytes = fs.readFileSync(`${folder}/rows.f32`);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const n = 10000, width = values.length / n, obsDim = width - nSensors - 4;
  assert(Number.isInteger(obsDim) && obsDim > 0);
  const worst = { force_n: 0, action: 0 };
  for (let first = 0, batch = 1; first < n; first += batch, batch = 1 + (batch * 7) % 61) {
    const rows = Math.min(batch, n - first);
    const obs = new Float32Array(rows * obsDim);
    for (let i = 0; i < rows; i++) {
      const at = (first + i) * width + 2 + nSensors;
      obs.set(values.subarray(at, at + obsDim), i * obsDim);
    }
    const result = await session.run({ obs: new ort.Tensor('float32', obs, [rows, obsDim]) });
    assert.deepStrictEqual(result.force_n.dims.map(Number), [rows, 1]);
    for (let i = 0; i < rows; i++) {
      const row = values.subarray((first + i) * width, (first + i + 1) * width);
      worst.action = Math.max(worst.action, Math.abs(result.action.data[i] - row[width - 2]));
      if (row[0] > 1e-5) {
        worst.force_n =
          Math.max(worst.force_n, Math.abs(result.force_n.data[i] / limit - row[width - 1]));
      }
    }
    batch = rows;
  }
  console.log(`${folder}: onnxruntime, differs by at most ${worst.action} and ${worst.force_n}`);
  assert(worst.action <= 1e-6 && worst.force_n <= 1e-6);
}

main(process.argv[3], Number(process.argv[4]), Number(process.argv[5])).catch((error) => {
  console.error(error);
  process.exit(1);
});
