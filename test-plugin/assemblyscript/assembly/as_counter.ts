// The counter of benches/counter in AssemblyScript: reads each delta, counts it and says how many. It
// needs nothing that signalk-server lacks.
//
// Configuration: `name`, `every`, `mark`, and `read`, how a delta is read:
// - `typed` or `value`: as JSON, with the library that most plugins use (there is no typed way);
// - `text`: looks for one path and reads the number behind it;
// - `nothing`: what is left is the hand-over.
// It emits `bench.NAME.mark` when it starts; `bench.NAME.counted`, deltas with `navigation.log`, and
// `bench.NAME.others`, all others, after every so many and once a second if they changed.
import { JSON } from 'assemblyscript-json/assembly'
import { createSimpleDelta, emit, setStatus } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { numberOf, object, textOf, utf8 } from './lib/text'

const LOG = 'navigation.log'
const KEY = '"path":"navigation.log","value":'

let name = ''
let read = ''
let every: u64 = 1
let counted: u64 = 0
let others: u64 = 0
let told: u64 = 0
let newest: f64 = NaN

export function plugin_id(): string {
  return 'as-counter'
}

export function plugin_name(): string {
  return 'Counter in AssemblyScript'
}

export function plugin_schema(): string {
  return `{"type":"object","properties":{"name":{"type":"string"},"read":{"type":"string"},
    "every":{"type":"number"},"mark":{"type":"number"}}}`
}

export function plugin_start(ptr: usize, len: usize): i32 {
  const options = object(utf8(ptr, len))
  name = textOf(options, 'name', 'counter')
  read = textOf(options, 'read', 'typed')
  every = <u64>max(1, numberOf(options, 'every', 250))
  counted = others = told = 0
  setStatus('Running')
  say('mark', <u64>numberOf(options, 'mark'))
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  tell()
  return 0
}

export function delta_handler(delta: string): void {
  const ours = read == 'nothing' || (read == 'text' ? find(delta) : parse(delta))
  if (!ours) {
    others++
    return
  }
  counted++
  if (counted % every == 0) tell()
}

function find(delta: string): bool {
  const at = delta.indexOf(KEY)
  if (at < 0) return false
  newest = parseFloat(delta.substring(at + KEY.length, at + KEY.length + 20))
  return true
}

function parse(delta: string): bool {
  let ours = false
  const updates = object(delta).getArr('updates')
  if (!updates) return false
  for (let i = 0; i < updates.valueOf().length; i++) {
    const values = (<JSON.Obj>updates.valueOf()[i]).getArr('values')
    if (!values) continue
    for (let j = 0; j < values.valueOf().length; j++) {
      const value = <JSON.Obj>values.valueOf()[j]
      if (textOf(value, 'path') != LOG) continue
      newest = <f64>numberOf(value, 'value')
      ours = true
    }
  }
  return ours
}

function tell(): void {
  if (told == counted) return
  told = counted
  say('counted', counted)
  say('others', others)
}

function say(what: string, number: u64): void {
  emit(createSimpleDelta('bench.' + name + '.' + what, number.toString()))
}
