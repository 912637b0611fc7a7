// Where data comes from and who listens, with their counters.

import { h, keyed, text } from '../dom.js'
import { askSoon, repeat } from '../stream.js'
import { age, bytes, short } from '../units.js'

export const title = 'Server'

export function open() {
  const note = h('p', { class: 'quiet' }, 'Asking the server …')
  const inputs = table(['Input', 'State', 'Bytes', 'Deltas', 'Bad checksums', 'Other faults', 'Last error'])
  const clients = table(['Client', 'For', 'Messages', 'Waiting', 'Merged'])
  const element = h('section', { class: 'connections' }, note,
    h('h2', null, 'Inputs'), h('div', { class: 'card scroll' }, inputs.element),
    h('h2', null, 'Clients'), h('div', { class: 'card scroll' }, clients.element))
  const refresh = async () => {
    try {
      const status = await askSoon('/signalk-host/status')
      text(note, `${status.name} ${status.version} · running for ${age(status.uptime * 1000)} · ${status.self}`)
      inputs.show(status.connections ?? [], (c) => c.id, inputRow)
      clients.show(status.streams ?? [], (c) => c.id, clientRow)
    } catch (error) {
      text(note, `Nothing from the server: ${error.message}`)
    }
  }
  return { element, draw() {}, close: repeat(refresh, 1000) }
}

function table(names) {
  const body = h('tbody')
  const element = h('table', null, h('thead', null, h('tr', null, names.map((name) => h('th', { scope: 'col' }, name)))), body)
  const make = () => h('tr', null, names.map(() => h('td')))
  return {
    element,
    show(items, keyOf, row) {
      keyed(body, items, keyOf, make, (element, item) => row(item).forEach((value, i) => text(element.children[i], value)))
    },
  }
}

function inputRow({ id, endpoint, state, bytes: count, deltas, counters = {}, lastError }) {
  const other = (counters.garbageBytes ?? 0) + (counters.truncated ?? 0) + (counters.badFields ?? 0) + (counters.badLines ?? 0)
  return [`${id} ${endpoint ?? ''}`, state, bytes(count), short(deltas), short(counters.badChecksum ?? 0), short(other), lastError ?? '']
}

function clientRow({ target, userAgent, seconds, frames, queuedBytes, coalesced }) {
  return [`${target}${userAgent ? ` · ${userAgent.slice(0, 60)}` : ''}`, age(seconds * 1000), short(frames), bytes(queuedBytes), short(coalesced)]
}
