// A list of calls as JSON, made one after the other, as in the guests in Rust:
// `["sk_udp_recv", 1, {"max": 2048}, {"out": 46}, {"out": 2}]` is logged as
// `start sk_udp_recv -> 5 hello 3132372e 0a1b`.
//
// A number is an i32 as it stands; a text is address and length of its UTF-8 bytes; `{"max": n}` is
// address and length of a buffer, shown as far as the result says; `{"out": n}` is the address
// only, shown in hexadecimal; `{"zeros": n}` is address and length of so many zeros; `{"iov": "text"}`
// is the address of one iovec of WASI, whose buffer holds the text.
import { JSON } from 'assemblyscript-json/assembly'
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'
import * as sk from './imports'
import * as wasi from './wasi'

/** Makes the calls under this key of the configuration. */
export function run(options: JSON.Obj, key: string): void {
  const calls = options.getArr(key)
  if (!calls) return
  const all = calls.valueOf()
  for (let i = 0; i < all.length; i++) {
    if (all[i].isArr) debug(key + ' ' + one(<JSON.Arr>all[i]))
  }
}

class Shown {
  constructor(public bytes: ArrayBuffer, public whole: bool) {}

  text(result: i32): string {
    if (!this.whole) {
      const count = min(max(result, 0), this.bytes.byteLength)
      return ' ' + String.UTF8.decodeUnsafe(changetype<usize>(this.bytes), count)
    }
    let hex = ' '
    const view = Uint8Array.wrap(this.bytes)
    for (let i = 0; i < view.length; i++) hex += view[i].toString(16).padStart(2, '0')
    return hex
  }
}

/** Makes one call: `sk_tcp_connected -> 1`. */
export function one(call: JSON.Arr): string {
  const given = call.valueOf()
  const name = given.length > 0 && given[0].isString ? (<JSON.Str>given[0]).valueOf() : ''
  const numbers = new StaticArray<i32>(12)
  // Everything that has an address is kept here until the call is over.
  const buffers: ArrayBuffer[] = []
  const shown: Shown[] = []
  let count = 0
  for (let i = 1; i < given.length && count < 10; i++) {
    const argument = given[i]
    if (argument.isInteger) {
      numbers[count++] = <i32>(<JSON.Integer>argument).valueOf()
      continue
    }
    let bytes = new ArrayBuffer(0)
    let alone = false
    if (argument.isString) {
      bytes = String.UTF8.encode((<JSON.Str>argument).valueOf())
    } else if (argument.isObj) {
      const asked = <JSON.Obj>argument
      const out = asked.getInteger('out')
      const room = asked.getInteger('max')
      const zeros = asked.getInteger('zeros')
      const iovec = asked.getString('iov')
      if (out) {
        alone = true
        bytes = new ArrayBuffer(<i32>out.valueOf())
        shown.push(new Shown(bytes, true))
      } else if (room) {
        bytes = new ArrayBuffer(<i32>room.valueOf())
        shown.push(new Shown(bytes, false))
      } else if (zeros) {
        bytes = new ArrayBuffer(<i32>zeros.valueOf())
      } else if (iovec) {
        alone = true
        const behind = String.UTF8.encode(iovec.valueOf())
        buffers.push(behind)
        bytes = new ArrayBuffer(8)
        store<u32>(changetype<usize>(bytes), <u32>changetype<usize>(behind))
        store<u32>(changetype<usize>(bytes), behind.byteLength, 4)
      }
    }
    buffers.push(bytes)
    numbers[count++] = <i32>changetype<usize>(bytes)
    if (!alone) numbers[count++] = bytes.byteLength
  }
  const result = name.startsWith('sk_') ? sk.call(name, numbers) : wasi.call(name, numbers)
  let line = name + ' -> ' + result.toString()
  for (let i = 0; i < shown.length; i++) line += shown[i].text(result)
  return line
}
