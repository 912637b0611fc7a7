// The page in a real browser, on the real server, as a person would use it.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { openPage } from './chromium.mjs'
import { configuration, replaceModule, startHost } from './host.mjs'
import { pluginWasm } from './wasm.mjs'

const WIDTHS = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } }
let config, host, browser, page
const faults = []

before(async () => {
  config = configuration()
  host = await startHost(config)
  browser = await openPage(WIDTHS.desktop)
  page = browser.page
  page.on('pageerror', (error) => faults.push(String(error)))
  // A reload that fails is answered with 500, which the browser says by itself.
  const asked = (message) => message.location().url.endsWith('/plugins/foreign/reload')
  page.on('console', (message) => message.type() === 'error' && !asked(message) && faults.push(message.text()))
})

after(async () => {
  await browser?.close()
  await host?.stop()
})

/** Waits until the text of a place passes, and gives it. */
async function until(id, passes) {
  const place = page.getByTestId(id)
  for (let tries = 0; tries < 300; tries += 1) {
    const text = (await place.textContent({ timeout: 15_000 })) ?? ''
    if (passes(text)) return text
    await page.waitForTimeout(50)
  }
  assert.fail(`${id} stayed "${await place.textContent()}"`)
}

async function saved(id) {
  return (await fetch(`${host.url}/skServer/plugins/${id}/config`)).json()
}

/** The same part of the page on a desk and on a phone, for a person to look at. */
async function shoot(name, part) {
  if (!process.env.SCREENSHOTS) return
  for (const [width, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size)
    await part.evaluate((element) => element.scrollIntoView())
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${width}.png`) })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth ? []
      : [...document.querySelectorAll('body *')]
        .filter((element) => element.getBoundingClientRect().right > innerWidth)
        .map((element) => `${element.tagName} ${element.className}: ${element.textContent.slice(0, 80)}`))
    assert.deepEqual(wide, [], `${name} is too wide on a ${width}`)
  }
  await page.setViewportSize(WIDTHS.desktop)
}

async function view(name) {
  await page.goto(`${host.url}/admin/#${name}`)
}

test('the root leads to the page, and the page is live', async () => {
  await page.goto(host.url)
  assert.equal(new URL(page.url()).pathname, '/admin/')
  await until('link', (text) => text === 'live')
  await until('vessel', (text) => text === 'Tuuletar')
})

test('values change while the boat sails', async () => {
  await view('instruments')
  for (const id of ['value-sog', 'value-depth', 'value-aws', 'latitude']) {
    const first = await until(id, (text) => text !== '–')
    await until(id, (text) => text !== first)
  }
})

test('a plugin derives the true wind from the instruments', async () => {
  await view('instruments')
  await until('value-tws', (text) => Number(text) > 0)
})

test('a plugin is disabled and enabled again', async () => {
  await view('plugins')
  const toggle = page.getByTestId('toggle-_signalk-host_derived-data')
  await until('state-_signalk-host_derived-data', (text) => text === 'running')
  await toggle.click()
  await until('state-_signalk-host_derived-data', (text) => text === 'stopped')
  assert.equal(await toggle.getAttribute('aria-checked'), 'false')
  await toggle.click()
  await until('state-_signalk-host_derived-data', (text) => text === 'running')
})

test('memory and fuel of a running plugin are shown', async () => {
  await view('plugins')
  await until('memory-_signalk-host_derived-data', (text) => /\d/.test(text))
  await until('fuel-_signalk-host_derived-data', (text) => /[1-9]/.test(text))
})

test('the error of a crashed plugin can be read', async () => {
  await view('plugins')
  const error = await until('error-crasher', (text) => text.length > 20)
  assert.match(error, /crasher.*the first delta broke me/s)
})

test('the owner of a plugin that was built for another host reads why it ends and what helps', async () => {
  await view('plugins')
  await until('error-foreign', (text) => text.includes('missing host function env.sk_gone'))
  await until('remedy-foreign', (text) => text.includes('look for a version for this host'))
  await page.getByTestId('diagnostics-foreign').locator('summary').click()
  await until('trouble-foreign', (text) => text.includes('env.sk_gone') && /\d crashes/.test(text))
  await shoot('diagnostics', page.getByTestId('plugin-foreign'))
})

test('a plugin that was mended is reloaded by a button, without a restart of the server', async () => {
  replaceModule(config, 'foreign', pluginWasm())
  await page.getByTestId('reload-foreign').click()
  await until('reloaded-foreign', (text) => text === 'Reloaded')
  await until('state-foreign', (text) => text === 'running')
  replaceModule(config, 'foreign', 'this is no module')
  await page.getByTestId('reload-foreign').click()
  await until('reloaded-foreign', (text) => /Not reloaded: .*the module from before runs again/.test(text))
  await until('state-foreign', (text) => text === 'running')
})

test('the last lines of a crashed plugin can be read', async () => {
  await view('plugins')
  await page.getByTestId('diagnostics-crasher').locator('summary').click()
  await until('log-crasher', (text) => /\d\d:\d\d:\d\d \w+/.test(text))
})

test('options are a form: what does not fit is marked and not saved, what fits is saved', async () => {
  await view('plugins')
  const options = page.getByTestId('options-galley')
  await until('state-galley', (text) => text === 'running')
  await options.locator('summary').click()
  const field = (name) => options.locator(`[data-field="${name}"]`).first()
  assert.equal(await field('interval').locator('input').inputValue(), '240')
  await field('interval').locator('input').fill('5')
  await page.getByTestId('save-galley').click()
  await until('saved-galley', (text) => text.startsWith('Not saved'))
  assert.match(await field('name').locator('.error').textContent(), /At least 2/)
  assert.match(await field('interval').locator('.error').textContent(), /10/)
  assert.deepEqual((await saved('galley')).configuration, undefined)
  await shoot('form', page.getByTestId('plugin-galley'))

  await field('name').locator('input').fill('Pekka')
  await field('interval').locator('input').fill('180')
  await field('watches').getByLabel('morning').check()
  await field('fuel').locator('input').fill('spirit')
  await field('stores').getByRole('button', { name: 'Add' }).click()
  await field('what').locator('input').fill('rice')
  await field('kilos').locator('input').fill('2.5')
  await page.getByTestId('save-galley').click()
  await until('saved-galley', (text) => text === 'Saved.')
  const { enabled, configuration } = await saved('galley')
  assert.equal(enabled, true)
  assert.deepEqual(configuration, {
    name: 'Pekka', interval: 180, coffee: true, strength: 'sailor', watches: ['dog', 'morning'],
    stove: { fuel: 'spirit' }, stores: [{ what: 'rice', kilos: 2.5 }],
  })
  await until('state-galley', (text) => text === 'running')
})

test('the vessels around are listed', async () => {
  await view('vessels')
  await page.getByTestId('vessel-row').nth(3).waitFor({ timeout: 60_000 })
})

test('data can be filtered', async () => {
  await view('data')
  await until('count', (text) => /^[1-9]\d* paths/.test(text))
  await page.getByTestId('filter').fill('depth')
  await page.locator('tr[data-path="environment.depth.belowTransducer"]').waitFor()
  assert.equal(await page.locator('tr[data-path="navigation.position"]').count(), 0)
})

test('nothing is wider than the screen, on a desk and on a phone', async () => {
  for (const [name, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size)
    for (const tab of ['instruments', 'vessels', 'data', 'plugins', 'connections']) {
      await view(tab)
      await page.waitForTimeout(400)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${tab} is ${wide} px too wide on a ${name}`)
      if (process.env.SCREENSHOTS) {
        await page.screenshot({ path: join(process.env.SCREENSHOTS, `${tab}-${name}.png`) })
      }
    }
  }
})

/** Looks at the page's own modules with a stream that the test writes. */
async function inPage(told, look) {
  const parts = await page.evaluateHandle(async (told) => {
    const [{ Model }, instruments, vessels] = await Promise.all(
      ['model.js', 'views/instruments.js', 'views/vessels.js'].map((name) => import(`/admin/${name}`)))
    const model = new Model()
    for (const message of told) model.receive(message)
    return { model, instruments, vessels }
  }, told)
  return parts.evaluate(look)
}

const HELLO = { name: 'x', self: 'vessels.me', timestamp: '2026-01-01T12:00:00.000Z' }
const delta = (timestamp, values, context = 'vessels.me') => ({
  context, updates: [{ $source: 's', timestamp, values: Object.entries(values).map(([path, value]) => ({ path, value })) }],
})
const WIND = { 'environment.wind.angleApparent': 1, 'environment.wind.speedApparent': 5 }
const PLACE = { 'navigation.position': { latitude: 0, longitude: 179.99 } }

test('what the server remembers is as old as it says, what comes now is live whatever its clock says', async () => {
  await view('instruments')
  const states = ({ model, instruments }) => {
    const view = instruments.open(model)
    view.draw()
    return [...view.element.querySelectorAll('.arrow.apparent, .wind, .rose, .position')].map((part) => part.dataset.state)
  }
  const old = delta('2026-01-01T11:59:00.000Z', { ...WIND, ...PLACE, 'navigation.headingTrue': 1 })
  const first = await inPage([HELLO, old], states)
  assert.deepEqual(first, ['old', 'old', 'old', 'old'])
  assert.deepEqual(await inPage([HELLO, old, old], states), ['live', 'live', 'live', 'live'], 'a clock that is behind')
  assert.deepEqual(await inPage([HELLO], states), ['none', 'none', 'none', 'none'])
  const again = { ...HELLO, timestamp: '2026-01-01T13:00:00.000Z' }
  assert.deepEqual(await inPage([HELLO, old, old, again, old], states), first, 'after a new connection')
})

test('an old heading does not hide a live one', async () => {
  const shown = await inPage([
    HELLO, delta('2026-01-01T11:00:00.000Z', { 'navigation.headingTrue': 1 }), delta(HELLO.timestamp, { 'navigation.headingMagnetic': 2 }),
  ], ({ model }) => model.first('navigation.headingTrue', 'navigation.headingMagnetic').value)
  assert.equal(shown, 2)
})

test('a value that is no number does not spoil the dial', async () => {
  const turned = await inPage([HELLO], ({ model, instruments }) => {
    const view = instruments.open(model)
    const rose = view.element.querySelector('.rose')
    return [{ not: 'a number' }, 'east', Math.PI / 2].map((value) => {
      const values = [{ path: 'navigation.headingTrue', value }]
      model.receive({ context: 'vessels.me', updates: [{ $source: 's', values }] })
      view.draw()
      return rose.getAttribute('transform')
    })
  })
  assert.deepEqual(turned, [null, null, 'rotate(-90.0)'])
})

test('a target is near across the date line, fades, and is dropped when nobody knows where it is', async () => {
  const target = (name, timestamp, longitude = -179.99) =>
    delta(timestamp, { 'navigation.position': { latitude: 0, longitude }, 'navigation.speedOverGround': 4 }, `vessels.${name}`)
  const list = await inPage([
    HELLO, delta(HELLO.timestamp, PLACE), target('near', HELLO.timestamp), target('silent', '2026-01-01T11:57:00.000Z', 179.9),
    target('gone', '2026-01-01T11:40:00.000Z'), target('nonsense', HELLO.timestamp, 'east'),
  ], ({ model, vessels }) => {
    const list = vessels.around(model)
    const view = vessels.open(model)
    view.draw()
    const rows = [...view.element.querySelectorAll('tbody tr')].map((row) => row.dataset.state)
    return { list: list.map(({ name, distance, state }) => [name, Math.round(distance / 100), state]), rows }
  })
  assert.deepEqual(list, { list: [['vessels.near', 22, 'live'], ['vessels.silent', 100, 'old']], rows: ['live', 'old'] })
})

test('an address that names nothing shows the instruments', async () => {
  await page.goto(`${host.url}/admin/#constructor`)
  await page.getByTestId('dial').waitFor()
})

test('the page said nothing wrong', () => {
  assert.deepEqual(faults, [])
})
