// HTTP requests by as-fetch, which look as if they blocked, in every export that a host calls.
// Built twice: `as_fetch` with the Asyncify transform, as plugins in the field are, and
// `as_fetch_plain` without it, which only a host that suspends calls can run.
//
// Configuration: `url`; how many requests each export makes one after the other: `start`, `poll`,
// `delta`, `http`, `put`, `resource` (all 0 if not given); `post`, a text: POST with this body
// instead of GET; `header`, a text, sent as `x-guest`; `result`, what `plugin_start` gives back;
// `watch`, a text that a delta must have so that `delta_handler` asks.
//
// Request N of an export goes to `url` + `/EXPORT/N` and its outcome is logged as
// `start 0 -> 200 BODY`. The end of an export is logged as `start done`, so that a test sees that a
// call was finished, and once. HTTP (GET /fetch), PUT and resource handlers answer the bodies.
import { createSimpleDelta, debug, emit, registerResourceProvider } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { JSON } from 'assemblyscript-json/assembly'
import { fetchSync } from 'as-fetch/sync'
import { RequestInit } from 'as-fetch/assembly'
import { numberOf, object, quote, respond, textOf, utf8 } from './lib/text'

@external("env", "sk_register_put_handler")
declare function sk_register_put_handler(context: usize, contextLen: usize, path: usize, pathLen: usize): i32

let options: JSON.Obj = object('{}')

/** Makes the requests of one export; their bodies as a JSON array. */
function ask(from: string): string {
  const bodies: string[] = []
  const count = numberOf(options, from)
  for (let i = 0; i < count; i++) {
    const init = new RequestInit()
    const header = textOf(options, 'header')
    init.headers = header.length > 0 ? [['x-guest', header], ['accept', 'text/plain']] : []
    const body = options.getString('post')
    if (body) {
      init.method = 'POST'
      init.body = String.UTF8.encode(body.valueOf())
    }
    const response = fetchSync(textOf(options, 'url') + '/' + from + '/' + i.toString(), init)
    const text = response.text()
    debug(from + ' ' + i.toString() + ' -> ' + response.status.toString() + ' ' + text)
    bodies.push(quote(text))
  }
  if (count > 0) debug(from + ' done')
  return '[' + bodies.join(',') + ']'
}

export function plugin_name(): string {
  return 'AssemblyScript fetch'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{"url":{"type":"string"}}}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  options = object(utf8(ptr, len))
  const bodies = ask('start')
  emit(createSimpleDelta('test.fetch.start', bodies))
  registerResourceProvider('fetched')
  const context = String.UTF8.encode('vessels.self')
  const path = String.UTF8.encode('test.fetch')
  sk_register_put_handler(changetype<usize>(context), context.byteLength, changetype<usize>(path), path.byteLength)
  return numberOf(options, 'result')
}

export function plugin_stop(): i32 {
  debug('stopped')
  return 0
}

export function poll(): i32 {
  const bodies = ask('poll')
  if (bodies.length > 2) emit(createSimpleDelta('test.fetch.poll', bodies))
  return 0
}

export function delta_handler(delta: string): void {
  const watched = textOf(options, 'watch')
  if (watched.length == 0 || !delta.includes(watched)) return
  emit(createSimpleDelta('test.fetch.delta', ask('delta')))
}

export function http_endpoints(): string {
  return '[{"method":"GET","path":"/fetch","handler":"handle_fetch"}]'
}

export function handle_fetch(ptr: usize, len: usize): string {
  return respond(ask('http'))
}

export function handle_put_vessels_self_test_fetch(value: string): string {
  return '{"state":"COMPLETED","statusCode":200,"message":' + quote(value + ' ' + ask('put')) + '}'
}

export function resources_list_resources(request: string): string {
  return '{"one":{"bodies":' + ask('resource') + '}}'
}

export function resources_get_resource(request: string): string {
  return '{"bodies":' + ask('resource') + '}'
}
