#!/usr/bin/env node
// run-bare.mjs PROGRAM.wasm: runs the `main` of a wasm32-unknown-unknown program
// that imports nothing. A panic is a trap, and a trap is a failure.
import { readFile } from 'node:fs/promises'

const bytes = await readFile(process.argv[2])
const { instance } = await WebAssembly.instantiate(bytes, {})
const status = instance.exports.main(0, 0)
if (status !== 0) {
  console.error(`main returned ${status}`)
  process.exitCode = 1
}
