// Ends a call by `throw`, which is the import `abort` with message, file, line and column, and an
// `unreachable` after it.
//
// Configuration: `in`, the export that throws: `start`, `stop`, `poll`, `delta`, `http` (GET
// /abort), `put` (vessels.self test.abort); none of these: no export throws; `message`. Before it throws it logs
// `about to abort in EXPORT`; an export that does not throw logs `EXPORT is well`.
import { debug } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { object, respond, textOf, utf8 } from './lib/text'

let where: string = ''
let message: string = ''

function perhaps(here: string): void {
  if (here != where) {
    debug(here + ' is well')
    return
  }
  debug('about to abort in ' + here)
  throw new Error(message)
}

export function plugin_name(): string {
  return 'AssemblyScript abort'
}

export function plugin_schema(): string {
  return '{"type":"object","properties":{"in":{"type":"string"},"message":{"type":"string"}}}'
}

export function plugin_start(ptr: usize, len: usize): i32 {
  const options = object(utf8(ptr, len))
  where = textOf(options, 'in')
  message = textOf(options, 'message', 'asked to abort')
  perhaps('start')
  return 0
}

export function plugin_stop(): i32 {
  perhaps('stop')
  return 0
}

export function poll(): i32 {
  perhaps('poll')
  return 0
}

export function delta_handler(delta: string): void {
  perhaps('delta')
}

export function http_endpoints(): string {
  return '[{"method":"GET","path":"/abort","handler":"handle_abort"}]'
}

export function handle_abort(request: string): string {
  perhaps('http')
  return respond('{"aborted":false}')
}

export function handle_put_vessels_self_test_abort(value: string): string {
  perhaps('put')
  return '{"state":"COMPLETED","statusCode":200}'
}
