// Built without --exportRuntime: a host can read its texts but has no `__new` to give it one, so
// its name and schema are known and everything that takes a text fails with advice.
//
// `poll` needs no text: if it is ever called, it logs `polled`.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'

export function plugin_name(): string {
  return 'AssemblyScript without its runtime'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{}}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  debug('started')
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  debug('polled')
  return 0
}

export function delta_handler(delta: string): void {
  debug('delta ' + delta.length.toString())
}
