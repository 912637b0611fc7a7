// A plugin that takes values without JSON, on servers that have them: numbers are loaded from where they
// are, and names are made strings once, when the server says what a number stands for.
//
// It adds up the own vessel's `navigation.speedOverGround`, keeps its position, the text of
// `navigation.state` and the zones of that speed, and says in its log, once a second if something came:
// `12 values, speed 9500, at 60500 24000, state motoring, zones [..], lost 0` (thousandths). On other
// servers `delta_handler` logs `a delta`.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'

// The form of values, as EXTENSIONS.md has it.
const FORGET = 1
const META = 1
const OWN = 2
const NUMBER = 3
const MEMBERS = 6

enum Wanted { Nothing, Speed, Latitude, Longitude, State, Zones }
const wanted = new StaticArray<u8>(8192)

let values = 0
let lost: u32 = 0
let speed: f64 = 0
let latitude: f64 = 0
let longitude: f64 = 0
let state = ''
let zones = ''

export function plugin_id(): string {
  return 'as-values'
}

export function plugin_name(): string {
  return 'Values in AssemblyScript'
}

export function plugin_schema(): string {
  return '{}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  if (values > 0) {
    const at = whole(latitude) + ' ' + whole(longitude)
    debug(`${values} values, speed ${whole(speed)}, at ${at}, state ${state}, zones ${zones}, lost ${lost}`)
  }
  values = 0
  return 0
}

function whole(number: f64): string {
  return (<i64>Math.round(number * 1000)).toString()
}

export function delta_handler(delta: string): void {
  debug('a delta')
}

function textAt(block: usize, record: usize): string {
  return String.UTF8.decodeUnsafe(block + load<u32>(record), load<u32>(record, 4))
}

function wants(block: usize, head: usize): Wanted {
  const flags = load<u32>(head, 4)
  if (!(flags & OWN)) return Wanted.Nothing
  const path = textAt(block, head + 32)
  const member = textAt(block, head + 40)
  if (path == 'navigation.speedOverGround') {
    if (!(flags & META)) return Wanted.Speed
    return member == 'zones' ? Wanted.Zones : Wanted.Nothing
  }
  if (path == 'navigation.state') return Wanted.State
  if (path == 'navigation.position') {
    if (member == 'latitude') return Wanted.Latitude
    if (member == 'longitude') return Wanted.Longitude
  }
  return Wanted.Nothing
}

export function values_handler(block: usize, len: usize): void {
  if (load<u32>(block) != 1) return
  lost += load<u32>(block, 12)
  if (load<u32>(block, 4) & FORGET) memory.fill(changetype<usize>(wanted), 0, 8192)
  let head = block + load<u32>(block, 16)
  for (let i = load<u32>(block, 20); i > 0; i--, head += 48) {
    unchecked(wanted[load<u32>(head)] = <u8>wants(block, head))
  }
  let row = block + load<u32>(block, 24)
  const end = row + 32 * load<u32>(block, 28)
  let members = 0
  for (; row < end; row += 32) {
    const kind = load<u32>(row, 4)
    // An object is one value, and so many rows.
    if (members > 0) members--
    else {
      values++
      if (kind == MEMBERS) members = <i32>load<f64>(row, 8)
    }
    switch (<i32>unchecked(wanted[load<u32>(row)])) {
      case Wanted.Speed:
        if (kind == NUMBER) speed += load<f64>(row, 8)
        break
      case Wanted.Latitude: latitude = load<f64>(row, 8); break
      case Wanted.Longitude: longitude = load<f64>(row, 8); break
      case Wanted.State: state = textAt(block, row + 24); break
      case Wanted.Zones: zones = textAt(block, row + 24); break
    }
  }
}
