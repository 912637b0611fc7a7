// Starts the real binary on a free port of 127.0.0.1 with the demo boat, and stops it by its pid.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { pluginWasm } from './wasm.mjs'

const { SIGNALK_HOST, PLUGINS, GUESTS } = process.env

/** Everything that the form draws. */
const SCHEMA = {
  type: 'object',
  title: 'Galley',
  required: ['name'],
  properties: {
    name: { type: 'string', title: 'Name of the cook', minLength: 2 },
    interval: { type: 'integer', title: 'Minutes between meals', minimum: 10, maximum: 600, default: 240 },
    coffee: { type: 'boolean', title: 'Coffee', description: 'At the change of the watch', default: true },
    strength: { type: 'string', title: 'Strength', enum: ['mild', 'sailor'], enumNames: ['Mild', 'As sailors like it'], default: 'sailor' },
    watches: { type: 'array', title: 'Watches', uniqueItems: true, items: { enum: ['dog', 'middle', 'morning'] }, default: ['dog'] },
    stove: { type: 'object', title: 'Stove', properties: { fuel: { type: 'string', title: 'Fuel' }, burners: { type: 'integer', title: 'Burners' } } },
    stores: { type: 'array', title: 'Stores', items: { $ref: '#/definitions/store' } },
  },
  definitions: { store: { type: 'object', required: ['what'], properties: { what: { type: 'string', title: 'What', minLength: 1 }, kilos: { type: 'number', title: 'Kilograms', exclusiveMinimum: 0 } } } },
}

function install(dir, manifest) {
  const folder = join(dir, 'node_modules', manifest.name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({
    version: '1.0.0', keywords: ['signalk-wasm-plugin'], wasmManifest: 'plugin.wasm', 'signalk-plugin-enabled-by-default': true, ...manifest,
  }))
  return join(folder, 'plugin.wasm')
}

/** A configuration folder of a boat with a name and plugins that misbehave: one crashes at the first delta, one was built for another host. */
export function configuration() {
  const dir = mkdtempSync(join(tmpdir(), 'signalk-ui-'))
  writeFileSync(join(dir, 'baseDeltas.json'), JSON.stringify([
    { context: 'vessels.self', updates: [{ values: [{ path: '', value: { name: 'Tuuletar' } }] }] },
  ]))
  cpSync(join(GUESTS, 'signalk_crash_on_delta.wasm'), install(dir, {
    name: 'crasher', description: 'Crashes at the first delta', wasmInterface: 'json-rpc', wasmCapabilities: { dataRead: true, dataWrite: true },
  }))
  writeFileSync(install(dir, { name: 'foreign', description: `Was built for another host: ${'without-a-place-to-break-'.repeat(4).replaceAll('-', '_')}` }), pluginWasm({ missing: 'sk_gone' }))
  writeFileSync(install(dir, { name: 'galley', description: 'Has many options' }), pluginWasm({ schema: SCHEMA }))
  return dir
}

/** The author of a plugin has built it anew. */
export function replaceModule(config, name, wasm) {
  writeFileSync(join(config, 'node_modules', name, 'plugin.wasm'), wasm)
}

/** {url, stop()}: answers when the server does. */
export async function startHost(config) {
  const port = await freePort()
  const plugins = ['derived-data', 'anchor-watch'].flatMap((name) => ['--plugin', join(PLUGINS, name)])
  const host = spawn(SIGNALK_HOST, ['serve', '--demo', '--port', String(port), '--config', config, ...plugins],
    { stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = new Promise((resolve) => host.on('exit', (code) => resolve(code)))
  const url = `http://127.0.0.1:${port}`
  await answers(`${url}/signalk`, ended)
  return {
    url,
    async stop() {
      host.kill('SIGTERM')
      const code = await ended
      rmSync(config, { recursive: true, force: true })
      return code
    },
  }
}

async function answers(url, ended) {
  const gone = ended.then((code) => { throw new Error(`signalk-host ended with code ${code}`) })
  for (let tries = 0; tries < 200; tries += 1) {
    const ok = await Promise.race([gone, fetch(url).then((r) => r.ok, () => false)])
    if (ok) return
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 50))])
  }
  throw new Error(`${url} does not answer`)
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
