// Starts the real binary on a free port of 127.0.0.1 with the demo boat, and stops it by its pid.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { SIGNALK_HOST, PLUGINS, GUESTS } = process.env

/** A configuration folder of a boat with a name and one plugin that crashes at the first delta. */
export function configuration() {
  const dir = mkdtempSync(join(tmpdir(), 'signalk-ui-'))
  const crasher = join(dir, 'node_modules', 'crasher')
  mkdirSync(crasher, { recursive: true })
  cpSync(join(GUESTS, 'signalk_crash_on_delta.wasm'), join(crasher, 'plugin.wasm'))
  writeFileSync(join(dir, 'baseDeltas.json'), JSON.stringify([
    { context: 'vessels.self', updates: [{ values: [{ path: '', value: { name: 'Tuuletar' } }] }] },
  ]))
  writeFileSync(join(crasher, 'package.json'), JSON.stringify({
    name: 'crasher', version: '1.0.0', description: 'Crashes at the first delta',
    keywords: ['signalk-wasm-plugin'], wasmManifest: 'plugin.wasm', wasmInterface: 'json-rpc',
    wasmCapabilities: { dataRead: true, dataWrite: true }, 'signalk-plugin-enabled-by-default': true,
  }))
  return dir
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
