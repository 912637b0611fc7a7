// The same plugin with each of the three runtimes, `as_incremental`, `as_minimal` and `as_stub`: what
// a host must hold fast while a call runs, and what is lost when nothing is ever freed.
//
// Configuration: `garbage`, kilobytes that each call throws away (default 100). `as_incremental` also
// collects in full in the middle of each call, so the bytes given to `plugin_start` are gone if the
// host has not pinned them. `as_minimal` collects only when the host calls `__collect`, between
// calls; `as_stub` never. Logged: `start kept LENGTH` or `start damaged`; `delta kept LENGTH` or
// `delta damaged`; with each poll `polled N, memory N pages`.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { numberOf, object, utf8 } from './lib/text'

let garbage: i32 = 100
let polls: i32 = 0
let kept: string[] = []

/** Fills memory with other texts, so that what was freed is overwritten. */
function litter(): void {
  // Of the three only this one knows what is on the stack.
  if (ASC_RUNTIME == 2) __collect()
  for (let i = 0; i < garbage; i++) {
    kept.push('#'.repeat(512))
    if (kept.length > 10) kept = []
  }
}

function sum(text: string): u32 {
  let total: u32 = 0
  for (let i = 0; i < text.length; i++) total = total * 31 + <u32>text.charCodeAt(i)
  return total
}

export function plugin_name(): string {
  return 'AssemblyScript runtime'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{"garbage":{"type":"number"}}}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  const before = utf8(ptr, len)
  garbage = numberOf(object(before), 'garbage', 100)
  litter()
  debug(utf8(ptr, len) == before ? 'start kept ' + before.length.toString() : 'start damaged')
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  litter()
  polls += 1
  debug('polled ' + polls.toString() + ', memory ' + memory.size().toString() + ' pages')
  return 0
}

export function delta_handler(delta: string): void {
  const before = sum(delta)
  litter()
  debug(sum(delta) == before ? 'delta kept ' + delta.length.toString() : 'delta damaged')
}
