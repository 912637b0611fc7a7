// Every import of `env` and WASI that a plugin in AssemblyScript can use, and every export that takes a
// string. (as_wasi.ts: WASI as the libraries use it. as-fetch: as_fetch.ts, as_fetch_async.ts.)
//
// Configuration, all of it optional:
// - `start`, `poll`, `delta`, `stop`: lists of calls of `sk_*` imports and of WASI (lib/script.ts), logged as
//   `start sk_udp_create -> 1`;
// - `report`: names of what `plugin_start` uses and logs: `clock`, `console`, `random`, `trace`,
//   `data` (getSelfPath, getPath, readConfig, saveConfig of the SDK, with the path in `path`),
//   `crypto`, `exit` (process.exit with `code`);
// - `answers`: `{"weather_get_warnings": "[]"}`, what an export of this name answers instead;
// - `watch`: a text that a delta must have so that `delta_handler` does anything.
//
// Each export logs `export NAME ARGUMENT` first. HTTP: GET /one/:a (string), POST /two (bytes)
// answer the request, POST /call makes the call in its body. PUT `test.value`, resources, weather
// and radar answer constants that hold what was asked.
import { JSON } from 'assemblyscript-json/assembly'
import {
  debug, getPath, getSelfPath, hasNetworkCapability, readConfig, saveConfig, setError, setStatus
} from '@signalk/assemblyscript-plugin-sdk/assembly'
import { numberOf, object, quote, respond, textOf, utf8 } from './lib/text'
import { one, run } from './lib/script'

let options: JSON.Obj = object('{}')
debug('top level, Math.random below one: ' + (Math.random() < 1).toString())

/** Logs the call; the answer that was ordered, or this one. */
function answer(name: string, argument: string, otherwise: string): string {
  debug('export ' + name + ' ' + argument)
  const answers = options.getObj('answers')
  return answers ? textOf(answers, name, otherwise) : otherwise
}

function reports(what: string): bool {
  const list = options.getArr('report')
  return list != null && list.stringify().includes('"' + what + '"')
}

function report(): void {
  if (reports('clock')) {
    debug('Date.now ' + Date.now().toString())
    debug('performance.now ' + performance.now().toString())
    debug('process.time ' + process.time().toString())
  }
  if (reports('console')) {
    console.log('console log')
    console.debug('console debug')
    console.info('console info')
    console.warn('console warn')
    console.error('console error')
    console.assert(1 > 2, 'console assert')
    console.assert(2 > 1, 'console assert that holds')
    console.time('timer')
    console.timeLog('timer')
    console.timeEnd('timer')
  }
  if (reports('trace')) trace('trace with two numbers', 2, 1.5, -2)
  if (reports('random')) debug('Math.random ' + Math.random().toString() + ' ' + JSMath.random().toString())
  if (reports('crypto')) {
    const bytes = new Uint8Array(8)
    crypto.getRandomValues(bytes)
    debug('crypto ' + bytes.toString())
  }
  if (reports('data')) reportData()
  if (reports('exit')) process.exit(numberOf(options, 'code'))
}

function reportData(): void {
  const path = textOf(options, 'path', 'navigation.speedOverGround')
  const own = getSelfPath(path)
  debug('getSelfPath ' + (own ? JSON.parse(own).stringify() : 'null'))
  const any = getPath('vessels.self.' + path)
  debug('getPath ' + (any ? JSON.parse(any).stringify() : 'null'))
  debug('readConfig ' + JSON.parse(readConfig()).stringify())
  debug('saveConfig ' + saveConfig('{"saved":true}').toString())
  debug('readConfig ' + JSON.parse(readConfig()).stringify())
  debug('hasNetworkCapability ' + hasNetworkCapability().toString())
  setError('an error text')
  setStatus('a status text')
}

export function plugin_id(): string {
  return answer('plugin_id', '', 'as-everything')
}

export function plugin_name(): string {
  return answer('plugin_name', '', 'AssemblyScript everything')
}

export function plugin_schema(): string {
  return answer('plugin_schema', '', '{"type":"object","properties":{"path":{"type":"string"}}}')
}

export function http_endpoints(): string {
  return answer('http_endpoints', '', `[
    {"method":"GET","path":"/one/:a","handler":"handle_one"},
    {"method":"POST","path":"/two","handler":"handle_two"},
    {"method":"POST","path":"/call","handler":"handle_call"}
  ]`)
}

export function plugin_start(ptr: usize, len: usize): i32 {
  const config = utf8(ptr, len)
  options = object(config)
  answer('plugin_start', config, '')
  report()
  run(options, 'start')
  return numberOf(options, 'result')
}

export function plugin_stop(): i32 {
  answer('plugin_stop', '', '')
  run(options, 'stop')
  return 0
}

export function poll(): i32 {
  answer('poll', '', '')
  run(options, 'poll')
  return 0
}

export function delta_handler(delta: string): void {
  if (!delta.includes(textOf(options, 'watch'))) return
  answer('delta_handler', delta, '')
  run(options, 'delta')
}

export function event_handler(event: string): void {
  answer('event_handler', event, '')
}

export function handle_one(request: string): string {
  return answer('handle_one', request, respond(request))
}

export function handle_two(ptr: usize, len: usize): string {
  const request = utf8(ptr, len)
  return answer('handle_two', request, respond(request))
}

export function handle_call(request: string): string {
  const call = object(request).getArr('body')
  return respond('{"line":' + quote(call ? one(call) : 'no call') + '}')
}

export function handle_put_vessels_self_test_value(value: string): string {
  const done = '{"state":"COMPLETED","statusCode":200,"message":' + quote(value) + '}'
  return answer('handle_put_vessels_self_test_value', value, done)
}

export function resources_list_resources(request: string): string {
  return answer('resources_list_resources', request, '{"one":' + request + '}')
}

export function resources_get_resource(request: string): string {
  return answer('resources_get_resource', request, request)
}

/** As the comments of the SDK have it: no result. */
export function resources_set_resource(request: string): void {
  answer('resources_set_resource', request, '')
}

export function resources_delete_resource(request: string): string {
  return answer('resources_delete_resource', request, '')
}

export function weather_get_observations(request: string): string {
  return answer('weather_get_observations', request,
    '[{"date":"2026-11-21T12:00:00.000Z","type":"observation","description":' + quote(request) + '}]')
}

export function weather_get_forecasts(request: string): string {
  return answer('weather_get_forecasts', request,
    '[{"date":"2026-11-21T12:00:00.000Z","type":"daily"},{"date":"2026-11-21T12:00:00.000Z","type":"point"}]')
}

export function weather_get_warnings(request: string): string {
  return answer('weather_get_warnings', request, '[]')
}

/** Declared without a parameter, as the documentation has it. */
export function radar_get_radars(): string {
  return answer('radar_get_radars', '', '["radar-0"]')
}

export function radar_get_radar_info(request: string): string {
  return answer('radar_get_radar_info', request, '{"name":"Radar 0","brand":"Test","radarIpAddress":"127.0.0.1"}')
}

export function radar_get_capabilities(request: string): string {
  return answer('radar_get_capabilities', request, '{"id":"radar-0"}')
}

export function radar_get_state(request: string): string {
  return answer('radar_get_state', request, '{"status":"standby","controls":{}}')
}

/** Only the older setters: a host must find them where `radar_set_control` is missing. */
export function radar_set_power(request: string): string {
  return answer('radar_set_power', request, 'true')
}

export function radar_set_range(request: string): string {
  return answer('radar_set_range', request, 'true')
}

export function radar_set_gain(request: string): string {
  return answer('radar_set_gain', request, 'true')
}

export function radar_set_sea(request: string): string {
  return answer('radar_set_sea', request, 'true')
}

export function radar_set_rain(request: string): string {
  return answer('radar_set_rain', request, 'true')
}
