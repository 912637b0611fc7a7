// What runs, what it costs, what went wrong, and its switch and options.

import { attribute, h, keyed, text } from '../dom.js'
import { makeForm } from '../form.js'
import { ask, askSoon, repeat } from '../stream.js'
import { bytes, short } from '../units.js'
import { makeDiagnostics, makeProblem } from './diagnostics.js'

export const title = 'Plugins'

const EVERY = 1000

export function open() {
  const cards = h('div', { class: 'cards' })
  const note = h('p', { class: 'quiet', 'data-testid': 'plugins-note' }, 'Asking the server …')
  const element = h('section', { class: 'plugins' }, note, cards)
  let list = []
  let state = {}
  const refresh = async () => {
    try {
      const [plugins, status] = await Promise.all([askSoon('/skServer/plugins'), askSoon('/signalk-host/status')])
      list = plugins
      state = status.plugins
      text(note, list.length ? '' : 'No plugins found. Put a package into node_modules of the configuration directory, or start with --plugin DIR.')
      draw()
    } catch (error) {
      text(note, `Nothing from the server: ${error.message}`)
    }
    note.hidden = note.textContent === ''
  }
  const draw = () => keyed(cards, list, (plugin) => plugin.id, (plugin) => makeCard(plugin, refresh),
    (card, plugin) => card.show(plugin, state[plugin.id] ?? {}))
  return { element, draw() {}, close: repeat(refresh, EVERY) }
}

function makeCard(plugin, refresh) {
  const id = plugin.id
  const name = h('h2')
  const version = h('span', { class: 'quiet' })
  const badge = h('span', { class: 'badge', 'data-testid': `state-${id}` })
  const status = h('p', { class: 'status', 'data-testid': `status-${id}` })
  const problem = makeProblem(id)
  const figures = makeFigures(id)
  const said = h('p', { class: 'error', role: 'alert', hidden: true })
  const toggle = h('button', { class: 'switch', type: 'button', role: 'switch', 'aria-label': `${plugin.name} enabled`, 'data-testid': `toggle-${id}` })
  const options = makeOptions(plugin, save)
  const diagnostics = makeDiagnostics(id)
  const card = h('article', { class: 'card plugin', 'data-testid': `plugin-${id}` },
    h('header', null,
      h('div', null, name, version),
      badge, toggle),
    plugin.description ? h('p', { class: 'quiet' }, plugin.description) : null,
    status, problem.element, said, figures.element, options.element, diagnostics.element)
  let current = plugin

  async function save(change) {
    said.hidden = true
    toggle.disabled = true
    try {
      const body = JSON.stringify({ configuration: {}, ...current.data, enabled, ...change })
      await ask(`/skServer/plugins/${encodeURIComponent(id)}/config`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    } catch (error) {
      text(said, `Not saved: ${error.message}`)
      said.hidden = false
    }
    toggle.disabled = false
    await refresh()
    return said.hidden
  }
  let enabled = false
  toggle.onclick = () => save({ enabled: !enabled })

  card.show = (next, now) => {
    current = next
    // A reload may change both.
    text(name, next.name)
    text(version, `${next.packageName} ${next.version ?? ''}`)
    // A plugin that is on by default has no saved options to say so.
    enabled = Boolean(next.data?.enabled ?? now.enabled)
    attribute(toggle, 'aria-checked', enabled)
    const state = next.state ?? now.state ?? 'stopped'
    text(badge, state)
    attribute(badge, 'data-state', state)
    text(status, next.statusMessage || (enabled ? '' : 'Switched off'))
    problem.show(now)
    figures.show(now)
    options.show(next)
    diagnostics.refresh()
  }
  return card
}

function makeFigures(id) {
  const figure = (name, key) => {
    const value = h('dd', { 'data-testid': `${key}-${id}` }, '–')
    return { value, element: h('div', null, h('dt', null, name), value) }
  }
  const parts = {
    memory: figure('Memory', 'memory'), fuel: figure('Fuel used', 'fuel'), rate: figure('Fuel per second', 'fuel-rate'),
    inward: figure('Deltas in', 'deltas-in'), outward: figure('Deltas out', 'deltas-out'),
    dropped: figure('Dropped', 'dropped'), restarts: figure('Restarts', 'restarts'),
  }
  const element = h('dl', { class: 'figures' }, Object.values(parts).map((part) => part.element))
  return {
    element,
    show(now) {
      text(parts.memory.value, now.memoryLimit ? `${bytes(now.memoryBytes)} of ${bytes(now.memoryLimit)}` : bytes(now.memoryBytes))
      text(parts.fuel.value, short(now.fuelUsed))
      text(parts.rate.value, short(now.fuelPerSecond))
      text(parts.inward.value, short(now.deltasIn))
      text(parts.outward.value, short(now.deltasOut))
      text(parts.dropped.value, short(now.deltasInDropped + now.deltasOutDropped))
      text(parts.restarts.value, short(now.restarts))
    },
  }
}

function makeOptions(plugin, save) {
  let form = null
  let drawn = null
  const place = h('div')
  const said = h('span', { class: 'quiet', role: 'status', 'data-testid': `saved-${plugin.id}` })
  const button = h('button', { type: 'button', class: 'primary', 'data-testid': `save-${plugin.id}`, onclick: async () => {
    const configuration = form.read()
    if (configuration === undefined) return text(said, 'Not saved: see what is marked above.')
    text(said, 'Saving …')
    text(said, (await save({ configuration })) ? 'Saved.' : '')
  } }, 'Save options')
  const element = h('details', { 'data-testid': `options-${plugin.id}` }, h('summary', null, 'Options'), place, h('div', { class: 'row' }, button, said))
  return {
    element,
    /** The schema comes with the plugin's first start, and changes with a reload; otherwise what a person types stays. */
    show({ schema, data }) {
      const now = JSON.stringify(schema ?? {})
      if (now === drawn) return
      drawn = now
      form = makeForm(schema ?? {}, data?.configuration ?? {})
      place.replaceChildren(form.element)
    },
  }
}
