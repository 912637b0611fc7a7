// The frame of the page: tabs, theme, connection, and which view is drawn.

import { h, text } from './dom.js'
import { startLogin } from './login.js'
import { Model } from './model.js'
import { openStream } from './stream.js'
import * as connections from './views/connections.js'
import * as data from './views/data.js'
import * as instruments from './views/instruments.js'
import * as plugins from './views/plugins.js'
import * as vessels from './views/vessels.js'

const VIEWS = { instruments, vessels, data, plugins, connections }
const THEMES = ['day', 'dusk', 'night']

const model = new Model()
const main = document.getElementById('main')
let view = null
let due = false

const tabs = Object.entries(VIEWS).map(([name, { title }]) =>
  h('a', { href: `#${name}`, 'data-testid': `tab-${name}` }, title))
document.getElementById('tabs').append(...tabs)

/** The view named by the address; each makes its own element and draws into it. */
function show() {
  const asked = location.hash.slice(1)
  const name = Object.hasOwn(VIEWS, asked) ? asked : 'instruments'
  view?.close?.()
  view = VIEWS[name].open(model)
  main.replaceChildren(view.element)
  main.className = `view-${name}`
  document.title = `${VIEWS[name].title} · Signal K host`
  for (const tab of tabs) {
    const current = tab.hash === `#${name}`
    if (current) tab.setAttribute('aria-current', 'page')
    else tab.removeAttribute('aria-current')
  }
  draw()
}

/** At most one drawing per frame, however many deltas come. */
function draw() {
  due = false
  text(document.getElementById('vessel'), String(model.own('name')?.value ?? 'Unnamed boat'))
  view?.draw()
}

function drawSoon() {
  if (due) return
  due = true
  requestAnimationFrame(draw)
}

function theme() {
  const preferred = matchMedia('(prefers-color-scheme: dark)').matches ? 'dusk' : 'day'
  return localStorage.getItem('theme') ?? preferred
}

function applyTheme() {
  document.documentElement.dataset.theme = theme()
  text(document.getElementById('theme'), theme())
}

document.getElementById('theme').onclick = () => {
  localStorage.setItem('theme', THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length])
  applyTheme()
}

applyTheme()
model.changed = drawSoon
addEventListener('hashchange', show)
setInterval(drawSoon, 1000)
openStream((message) => model.receive(message), (state) => {
  const link = document.getElementById('link')
  text(link, state === 'live' ? 'live' : state === 'lost' ? 'connection lost' : 'connecting')
  link.dataset.state = state
})
startLogin(document.querySelector('.tools'))
show()
