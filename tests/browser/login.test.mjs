// A boat whose owner has set passwords, in a real browser.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { openPage } from './chromium.mjs'
import { configuration, startHost } from './host.mjs'

/** The password is `admin-pw`. */
const ADMIN = { username: 'admin', type: 'admin', password: '$2b$04$abcdefghijklmnopqrstuunjjXVilITTjGtFH/emy.ACeBYJBzOuG' }
let host, browser, page

before(async () => {
  const config = configuration()
  writeFileSync(join(config, 'security.json'), JSON.stringify({
    users: [ADMIN], devices: [], acls: [], allow_readonly: false, expiration: 'NEVER', secretKey: 'a key',
  }))
  host = await startHost(config)
  browser = await openPage({ width: 1280, height: 860 })
  page = browser.page
})

after(async () => {
  await browser?.close()
  await host?.stop()
})

const at = (id) => page.getByTestId(id)

async function enter(password) {
  await at('login-user').fill('admin')
  await at('login-password').fill(password)
  await at('login-enter').click()
}

test('without a login there is a form and no data', async () => {
  await page.goto(`${host.url}/admin/#plugins`)
  await at('login-user').waitFor()
  assert.equal(await page.getByTestId('plugin-galley').count(), 0)
})

test('a wrong password is said, and the form stays', async () => {
  await enter('wrong')
  await at('login-error').waitFor()
  assert.equal(await at('login-error').textContent(), 'Invalid username/password')
})

test('the right one opens the page, its plugins and its data', async () => {
  await enter('admin-pw')
  await page.getByTestId('plugin-galley').waitFor()
  assert.equal(await at('session').textContent(), 'Log out admin')
  await page.waitForFunction(() => document.getElementById('vessel').textContent === 'Tuuletar')
})

/** As if the token had ended: the cookie is gone, the page does not know. */
async function endLogin() {
  await page.evaluate(() => fetch('/signalk/v1/auth/logout', { method: 'PUT' }))
}

async function isAskedAgain() {
  await at('login-user').waitFor()
  assert.equal(await at('session').textContent(), 'Log in')
  await Promise.all([page.waitForEvent('load'), enter('admin-pw')])
  await page.waitForFunction(() => document.querySelector('[data-testid=session]')?.textContent === 'Log out admin')
}

test('when the login ends, the page asks for the next one', async () => {
  await endLogin()
  await isAskedAgain()
})

test('also a page that asks for nothing and only listens', async () => {
  await page.addInitScript(() => {
    window.streams = []
    const { WebSocket } = window
    window.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given)
        window.streams.push(this)
      }
    }
  })
  await page.goto(`${host.url}/admin/#instruments`)
  await page.reload()
  await page.waitForFunction(() => document.getElementById('vessel').textContent === 'Tuuletar')
  await endLogin()
  // What the server does with it within a minute.
  await page.evaluate(() => window.streams.at(-1).close())
  await isAskedAgain()
})

test('who logs out is out', async () => {
  await at('session').click()
  await at('login-user').waitFor()
  const status = await page.evaluate(async () => (await fetch('/skServer/plugins')).status)
  assert.equal(status, 401)
})
