// The plugin kit in a page: the cases of hdk-in-a-page, each reported as a test of its own.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'

import { openPage } from './chromium.mjs'

const { HDK_IN_A_PAGE, GUESTS } = process.env
const GUESTS_OF_THE_CASES = ['rpc_methods', 'fuel_spin_forever']
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' }
const PAGE = `<!doctype html><title>hdk</title><link rel="icon" href="data:,"><script type="module">
  const results = []
  window.report = (name, error) => (name === undefined ? (window.outcome = { results }) : results.push({ name, error }))
  const fail = (fault) => (window.outcome ??= { results, fault: String(fault) })
  window.addEventListener('error', (event) => fail(event.error))
  window.addEventListener('unhandledrejection', (event) => fail(event.reason))
  window.guests = {}
  for (const name of ${JSON.stringify(GUESTS_OF_THE_CASES)}) {
    guests[name] = new Uint8Array(await (await fetch('/guests/' + name + '.wasm')).arrayBuffer())
  }
  const { default: start } = await import('/hdk-in-a-page.js')
  await start({ module_or_path: '/hdk-in-a-page_bg.wasm' })
</script>`

test('a plugin in a page', async (t) => {
  const server = await serve()
  const browser = await openPage()
  const faults = []
  browser.page.on('pageerror', (error) => faults.push(String(error)))
  try {
    await browser.page.goto(`http://127.0.0.1:${server.address().port}/`)
    const outcome = await browser.page.waitForFunction(() => window.outcome, null, { timeout: 120_000 })
    const { results, fault } = await outcome.jsonValue()
    assert.equal(fault, undefined)
    assert.ok(results.length >= 5, JSON.stringify(results))
    for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined))
  } finally {
    await browser.close()
    server.close()
  }
  assert.deepEqual(faults, [])
})

/** The page, its module and the guests, on a free port of 127.0.0.1. */
async function serve() {
  const server = createServer(async ({ url }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end(PAGE)
    const [, guest] = /^\/guests\/(\w+\.wasm)$/.exec(url) ?? []
    const [, file, ending] = /^\/([\w-]+(\.\w+))$/.exec(url) ?? []
    try {
      const body = await readFile(guest ? join(GUESTS, guest) : join(HDK_IN_A_PAGE, file ?? ''))
      response.setHeader('content-type', TYPES[ending] ?? 'application/octet-stream').end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
