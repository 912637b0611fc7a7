// HTTP requests by as-fetch in the other flavour: the call returns at once, and the outcome comes
// to the export `responseHandler`, which as-fetch has.
//
// Configuration: `url`; `start` and `poll`, how many requests each makes at once; `post`, a text:
// POST with this body instead of GET. Each outcome is logged as `then 200 BODY`, with
// `redirected` after the status when the server redirected. `plugin_start` logs `start done`
// before any outcome.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { JSON } from 'assemblyscript-json/assembly'
import { RequestInit, Response, fetch } from 'as-fetch/assembly'
import { numberOf, object, textOf, utf8 } from './lib/text'

export { responseHandler } from 'as-fetch/assembly'

let options: JSON.Obj = object('{}')

function ask(from: string): void {
  const count = numberOf(options, from)
  for (let i = 0; i < count; i++) {
    const init = new RequestInit()
    init.headers = [['x-guest', 'async']]
    const body = options.getString('post')
    if (body) {
      init.method = 'POST'
      init.body = String.UTF8.encode(body.valueOf())
    }
    fetch(textOf(options, 'url') + '/' + from + '/' + i.toString(), init).then((response: Response) => {
      const redirected = response.redirected ? ' redirected' : ''
      debug('then ' + response.status.toString() + redirected + ' ' + response.text())
    })
  }
  if (count > 0) debug(from + ' done')
}

export function plugin_name(): string {
  return 'AssemblyScript fetch, asynchronous'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{"url":{"type":"string"}}}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  options = object(utf8(ptr, len))
  ask('start')
  return 0
}

export function plugin_stop(): i32 {
  return 0
}

export function poll(): i32 {
  ask('poll')
  return 0
}
