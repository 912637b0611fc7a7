// WASI in AssemblyScript, which no server but ours starts: built with wasi-shim, so that `console`,
// `Date`, `process` and `crypto` are calls of WASI, and with an export `_start`, which runs the
// top-level code and must be called once before anything else. Files and the environment come by
// as-wasi, which holds on to nothing that a collector could take: hence the stub runtime.
//
// Top-level code logs `top level`. `plugin_start` uses each part once and logs `wasi PART RESULT`; it
// fails with 1 if the top-level code has not run once. Configuration: `exit`, a number, ends the
// call by `proc_exit`; `abort`, a text, throws it, which is a line on stderr and `proc_exit(255)`.
import { Environ, FileSystem, Time } from 'as-wasi/assembly'
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { numberOf, object, textOf, utf8 } from './lib/text'

let starts: i32 = 0

export function plugin_name(): string {
  return 'AssemblyScript with WASI'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{"exit":{"type":"number"}}}'
}

/** Paths are relative to the root: as-wasi hands them on as they are. */
function files(): void {
  const written = FileSystem.open('data/as.txt', 'w+')
  if (written) {
    written.writeString('written by as-wasi')
    written.close()
  }
  const read = FileSystem.open('data/as.txt', 'r')
  const text = read ? read.readString() : null
  debug('wasi file ' + (text ? text : 'none'))
  debug('wasi mkdir ' + FileSystem.mkdir('data/as').toString())
  debug('wasi exists ' + FileSystem.exists('data/as').toString() + ' ' + FileSystem.exists('data/no').toString())
}

export function plugin_start(ptr: usize, len: usize): i32 {
  const options = object(utf8(ptr, len))
  files()
  const id = new Environ().get('PLUGIN_ID')
  debug('wasi environment ' + (id ? id : 'none'))
  const bytes = new Uint8Array(8)
  crypto.getRandomValues(bytes)
  debug('wasi random ' + bytes.toString())
  debug('wasi clock ' + Date.now().toString())
  const before = process.hrtime()
  // What is tried here: a guest that sleeps rests in the host, and the host's clock decides when it goes on.
  Time.sleep(20 * Time.MILLISECOND)
  debug('wasi slept ' + ((process.hrtime() - before) / 1000000).toString() + ' ms')
  console.log('to stdout')
  console.error('to stderr')
  const code = numberOf(options, 'exit', -1)
  if (code >= 0) process.exit(code)
  const message = textOf(options, 'abort')
  if (message.length > 0) throw new Error(message)
  return starts == 1 ? 0 : 1
}

export function plugin_stop(): i32 {
  return 0
}

starts += 1
debug('top level')
