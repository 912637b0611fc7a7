// build.mjs FOLDER [NAME...]: compiles the guests of assembly/, all or some, into FOLDER/<name>.wasm,
// in one process, as starting the compiler takes longer than compiling most of them.
// build.mjs FOLDER --list: prints their names. `cargo xtask guests` calls it.
import { join } from 'node:path'

const EXPORTED = ['--exportRuntime']
const SHIM = 'node_modules/@assemblyscript/wasi-shim/asconfig.json'
const ASYNCIFY = ['--transform', 'as-fetch/transform']

// Name, source if it is called otherwise, and what is special about how it is built.
const GUESTS = [
  { name: 'as_hello', flags: [...EXPORTED, '--runtime', 'incremental'] },
  // As signalk-server's example of a weather plugin is built.
  { name: 'as_fetch', flags: [...EXPORTED, ...ASYNCIFY, '--runtime', 'stub'] },
  { name: 'as_fetch_plain', source: 'as_fetch', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_fetch_async', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_everything', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_by_name', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_no_runtime', flags: ['--runtime', 'stub'] },
  { name: 'as_incremental', source: 'as_runtime', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_minimal', source: 'as_runtime', flags: [...EXPORTED, '--runtime', 'minimal'] },
  { name: 'as_stub', source: 'as_runtime', flags: [...EXPORTED, '--runtime', 'stub'] },
  // For benches/server: as most plugins are built.
  { name: 'as_counter', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_values', flags: [...EXPORTED, '--runtime', 'incremental'] },
  { name: 'as_abort', flags: [...EXPORTED, '--runtime', 'incremental'] },
  // An example to copy; here it uses the packages of this folder.
  {
    name: 'shallow_water',
    source: '../../../examples/shallow-water/assembly/index',
    flags: [...EXPORTED, '--runtime', 'incremental', '--path', join(import.meta.dirname, 'node_modules')],
  },
  // Last: the compiler keeps the shim's files among its library, where the next guest meets them.
  { name: 'as_wasi', flags: [...EXPORTED, '--config', SHIM, '--runtime', 'stub'] },
]

const [folder, ...only] = process.argv.slice(2)
if (only[0] === '--list') {
  for (const { name } of GUESTS) console.log(name)
  process.exit()
}
const { default: asc } = await import('assemblyscript/asc')
for (const { name, source = name, flags } of GUESTS) {
  if (only.length > 0 && !only.includes(name)) continue
  const output = join(folder, `${name}.wasm`)
  const { error } = await asc.main(
    [`assembly/${source}.ts`, '--outFile', output, '--optimizeLevel', '1', '--shrinkLevel', '1',
      // 235: the files of the SDK export what is no entry of this module.
      '--disableWarning', '235', ...flags],
    { stdout: process.stdout, stderr: process.stderr })
  if (error) {
    console.error(`${name}: ${error.message}`)
    process.exit(1)
  }
}
