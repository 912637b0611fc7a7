// A plugin as the SDK's documentation shows it: a class, and functions that pass the calls on. It
// needs nothing that signalk-server lacks, so it runs there too.
//
// Its top-level code, which runs before any export can be called, logs `top level` and sets the
// status `Loaded`. Configuration: `message`, a text, logged as `started MESSAGE` and emitted as
// `test.hello.message`; `result`, what `plugin_start` gives back.
// - `poll` emits `test.hello.polls` with the count.
// - `delta_handler` logs `delta JSON` for deltas with `test.hello.question` and answers with
//   `test.hello.answer`, the count of such deltas.
// - HTTP: GET /one (handler with one parameter, a string), GET /two/:id and POST /two (two
//   parameters, UTF-8 bytes) log `one REQUEST`, `two REQUEST` and answer the request.
// - `plugin_stop` logs `stopped` and emits `test.hello.stopped`.
import { Plugin, createSimpleDelta, debug, emit, setStatus } from '@signalk/assemblyscript-plugin-sdk/assembly'
import { numberOf, object, quote, respond, textOf, utf8 } from './lib/text'

class Hello extends Plugin {
  polls: i32 = 0
  answers: i32 = 0

  name(): string {
    return 'Hello from AssemblyScript ⛵'
  }

  schema(): string {
    return `{"type":"object","properties":{"message":{"type":"string","default":"hello"}}}`
  }

  start(config: string): i32 {
    const options = object(config)
    const message = textOf(options, 'message', 'hello')
    debug('config ' + config)
    debug('started ' + message)
    setStatus('Running')
    emit(createSimpleDelta('test.hello.message', quote(message)))
    return numberOf(options, 'result')
  }

  stop(): i32 {
    debug('stopped')
    emit(createSimpleDelta('test.hello.stopped', 'true'))
    return 0
  }
}

const plugin = new Hello()
debug('top level')
setStatus('Loaded')

export function plugin_name(): string {
  return plugin.name()
}

export function plugin_schema(): string {
  return plugin.schema()
}

export function plugin_start(ptr: usize, len: usize): i32 {
  return plugin.start(utf8(ptr, len))
}

export function plugin_stop(): i32 {
  return plugin.stop()
}

export function poll(): i32 {
  plugin.polls += 1
  emit(createSimpleDelta('test.hello.polls', plugin.polls.toString()))
  return 0
}

export function delta_handler(delta: string): void {
  if (!delta.includes('"test.hello.question"')) return
  debug('delta ' + delta)
  plugin.answers += 1
  emit(createSimpleDelta('test.hello.answer', plugin.answers.toString()))
}

export function http_endpoints(): string {
  return `[
    {"method":"GET","path":"/one","handler":"handle_one"},
    {"method":"GET","path":"/two/:id","handler":"handle_two"},
    {"method":"POST","path":"/two","handler":"handle_two"}
  ]`
}

export function handle_one(request: string): string {
  debug('one ' + request)
  return respond(request)
}

export function handle_two(ptr: usize, len: usize): string {
  const request = utf8(ptr, len)
  debug('two ' + request)
  return respond(request)
}
