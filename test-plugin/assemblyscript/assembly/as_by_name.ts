// A plugin in AssemblyScript that uses methods which have no import of their own, by `sk_call`: a PUT, a subscription,
// clients' WebSockets, streamed bodies. It does and logs what `examples/buffer_by_name.rs` says.
//
// Texts go to `sk_call` as UTF-8 with address and length, as to the other imports of `env`; `on_event` gets a string. What it
// looks for in a text stands there as this host writes it.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'

@external("env", "sk_call")
declare function sk_call(method: usize, methodLen: usize, params: usize, paramsLen: usize, out: usize, max: usize): i32
@external("env", "sk_call_answer")
declare function sk_call_answer(out: usize, max: usize): i32
@external("env", "sk_call_error")
declare function sk_call_error(out: usize, max: usize): i32

let room = new ArrayBuffer(1024)
// The answer of the last call, or why it failed.
let answer = ''
let hasPut = false

function call(method: string, params: string): bool {
  const name = String.UTF8.encode(method)
  const text = String.UTF8.encode(params)
  let len = sk_call(
    changetype<usize>(name), name.byteLength,
    changetype<usize>(text), text.byteLength,
    changetype<usize>(room), room.byteLength,
  )
  if (len > room.byteLength) {
    room = new ArrayBuffer(len)
    len = sk_call_answer(changetype<usize>(room), room.byteLength)
  }
  const ok = len >= 0
  if (!ok) {
    const why = new ArrayBuffer(4096)
    const size = sk_call_error(changetype<usize>(why), why.byteLength)
    answer = String.UTF8.decodeUnsafe(changetype<usize>(why), max(min(size, 4096), 0))
  } else {
    answer = String.UTF8.decodeUnsafe(changetype<usize>(room), len)
  }
  return ok
}

function numberAfter(text: string, key: string): string {
  let from = text.indexOf(key)
  if (from < 0) return '0'
  from += key.length
  let to = from
  while (to < text.length && text.charCodeAt(to) >= 48 && text.charCodeAt(to) <= 57) to++
  return text.substring(from, to)
}

export function plugin_name(): string {
  return 'Methods by name, in AssemblyScript'
}

export function plugin_schema(): string {
  return '{}'
}

export function http_endpoints(): string {
  return `[
    {"method":"POST","path":"/count","handler":"count","stream":true},
    {"method":"GET","path":"/down","handler":"down","stream":true}
  ]`
}

export function plugin_start(ptr: usize, len: usize): i32 {
  if (
    !call('websocket.register', '{"paths":["/live"],"access":"readonly"}') ||
    !call('deltas.subscribe', '{"path":"navigation.speedOverGround","period":1000}')
  ) {
    debug(answer)
    return 1
  }
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  if (hasPut) return 0
  hasPut = true
  call('put.send', '{"path":"steering.target","value":1.5}')
  debug('put ' + answer)
  return 0
}

export function delta_handler(delta: string): void {
  if (delta.includes('"navigation.speedOverGround"')) debug('delta')
}

export function on_event(event: string): void {
  const connection = numberAfter(event, '"connection":')
  let ok = true
  if (event.includes('websocket.opened')) {
    ok = call('websocket.send', `{"connection":${connection},"text":"hello"}`)
  } else if (event.includes('websocket.message')) {
    // The params of a message are those of the call that sends it back.
    const params = '"params":'
    ok = call('websocket.send', event.substring(event.indexOf(params) + params.length, event.length - 1))
  } else if (event.includes('websocket.closed')) {
    debug('closed')
  }
  if (!ok) debug(answer)
}

export function count(request: string): string {
  const exchange = '[' + numberAfter(request, '"exchange":') + ']'
  let pieces = 0
  while (true) {
    if (!call('http.read', exchange)) {
      debug('left')
      return '{"statusCode":500}'
    }
    if (answer.includes('"end"')) return `{"body":{"pieces":${pieces}}}`
    pieces++
  }
}

export function down(request: string): string {
  const exchange = numberAfter(request, '"exchange":')
  let ok = call('http.respond', `{"exchange":${exchange},"headers":{"content-length":"2000000"}}`)
  const piece = `{"exchange":${exchange},"text":"${'x'.repeat(50000)}"}`
  for (let i = 0; ok && i < 40; i++) ok = call('http.write', piece)
  if (!ok) debug('left')
  return '{}'
}
