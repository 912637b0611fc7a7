// A plugin of the buffer interface, put together byte by byte: no compiler is needed for what only shows a schema, or only
// calls what no host has.

const I32 = 0x7f
const TEXT_AT = 2048

/** {schema: object, missing: 'sk_gone'}: shows the schema; calls the missing function of `env` at its first poll. */
export function pluginWasm({ schema, missing } = {}) {
  const text = Buffer.from(schema ? JSON.stringify(schema) : '')
  const imported = missing ? 1 : 0
  const constant = (n) => [0x41, ...signed(n)]
  const functions = [
    { name: 'allocate', type: 1, code: constant(1024) },
    { name: 'plugin_start', type: 2, code: constant(0) },
  ]
  if (missing) functions.push({ name: 'poll', type: 3, code: [0x10, 0, ...constant(0)] })
  // memory.copy(out, TEXT_AT, length); length
  if (schema) functions.push({ name: 'plugin_schema', type: 2, code: [0x20, 0, ...constant(TEXT_AT), ...constant(text.length), 0xfc, 10, 0, 0, ...constant(text.length)] })
  const types = [[[], []], [[I32], [I32]], [[I32, I32], [I32]], [[], [I32]]]
  return Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list(types.map(([from, to]) => [0x60, ...list(from.map((t) => [t])), ...list(to.map((t) => [t]))]))),
    ...section(2, list(missing ? [[...name('env'), ...name(missing), 0, 0]] : [])),
    ...section(3, list(functions.map(({ type }) => [type]))),
    ...section(5, list([[0, 1]])),
    ...section(7, list([[...name('memory'), 2, 0], ...functions.map((f, i) => [...name(f.name), 0, imported + i])])),
    ...section(10, list(functions.map(({ code }) => { const body = [0, ...code, 0x0b]; return [...unsigned(body.length), ...body] }))),
    ...section(11, list(schema ? [[0, ...constant(TEXT_AT), 0x0b, ...unsigned(text.length), ...text]] : [])),
  ])
}

function section(id, bytes) {
  return [id, ...unsigned(bytes.length), ...bytes]
}

function list(parts) {
  return [...unsigned(parts.length), ...parts.flat()]
}

function name(text) {
  const bytes = Buffer.from(text)
  return [...unsigned(bytes.length), ...bytes]
}

/** LEB128. */
function unsigned(n) {
  return n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]
}

function signed(n) {
  return n < 64 ? [n] : [(n & 127) | 128, ...signed(n >>> 7)]
}
