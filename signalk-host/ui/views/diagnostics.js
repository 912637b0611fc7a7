// What a plugin's owner is shown when it misbehaves: why, what helps, what was dropped, what it said last.
// The shape of the answer is signalk-core/DIAGNOSTICS.md.

import { h, text } from '../dom.js'
import { ask, askSoon } from '../stream.js'
import { age, bytes, short } from '../units.js'

/** Counters that stand for trouble, and what a person reads; the others are figures. */
const TROUBLE = {
  crashes: 'crashes', deadlineHits: 'calls that took too long', hostCallErrors: 'host calls that failed',
  deltasInDropped: 'deltas for it dropped', deltasOutDropped: 'deltas of it dropped', badDeltas: 'bad deltas',
  datagramsDropped: 'datagrams dropped', tcpDropped: 'TCP data dropped', tcpRefused: 'TCP connections refused', logLinesDropped: 'log lines dropped',
  pollsMissed: 'polls missed', guestFaults: 'bad pointers',
}

/** The last error with what helps against it; for the card, from the host's status. */
export function makeProblem(id) {
  const what = h('p', { 'data-testid': `error-${id}` })
  const remedy = h('p', { class: 'remedy', 'data-testid': `remedy-${id}` })
  const when = h('p', { class: 'quiet' })
  const element = h('div', { class: 'problem', hidden: true }, h('h3', null, 'Last error'), what, remedy, when)
  return {
    element,
    show({ lastError, lastErrorRemedy, lastErrorTimeMs }) {
      element.hidden = !lastError
      text(what, lastError ?? '')
      text(remedy, lastErrorRemedy ? `What helps: ${lastErrorRemedy}` : '')
      remedy.hidden = !lastErrorRemedy
      text(when, lastErrorTimeMs ? `${age(Date.now() - lastErrorTimeMs)} ago` : '')
    },
  }
}

/** {element, refresh()}: asks the server only while it is open. */
export function makeDiagnostics(id) {
  const path = `/skServer/plugins/${encodeURIComponent(id)}`
  const trouble = h('ul', { class: 'trouble', 'data-testid': `trouble-${id}` })
  const facts = h('dl', { class: 'facts' })
  const exports = h('table', { class: 'exports' })
  const log = h('pre', { class: 'log', tabindex: 0, 'aria-label': 'Log', 'data-testid': `log-${id}` })
  const said = h('span', { class: 'quiet', role: 'status', 'data-testid': `reloaded-${id}` })
  const reload = h('button', { type: 'button', class: 'plain', 'data-testid': `reload-${id}`, onclick: load }, 'Reload')
  const failed = h('p', { class: 'error', hidden: true })
  const element = h('details', { 'data-testid': `diagnostics-${id}`, ontoggle: () => refresh() },
    h('summary', null, 'Diagnostics'),
    h('div', { class: 'row' }, reload, said), failed,
    trouble, facts, h('div', { class: 'scroll' }, exports), h('h3', null, 'Log'), log)

  let asking = false

  async function load() {
    reload.disabled = true
    text(said, 'Loading module and package.json anew …')
    try {
      await ask(`${path}/reload`, { method: 'POST' })
      text(said, 'Reloaded')
    } catch (error) {
      text(said, `Not reloaded: ${error.message}`)
    }
    reload.disabled = false
    await refresh()
  }

  async function refresh() {
    if (!element.open || asking) return
    asking = true
    try {
      show(await askSoon(`${path}/diagnostics`))
      failed.hidden = true
    } catch (error) {
      text(failed, `Nothing from the server: ${error.message}`)
      failed.hidden = false
    }
    asking = false
  }

  function show(now) {
    lines(trouble, troubles(now))
    trouble.hidden = trouble.childElementCount === 0
    pairs(facts, figures(now))
    table(exports, now.exports)
    const stays = log.scrollTop + log.clientHeight >= log.scrollHeight - 8
    text(log, now.log.map(logLine).join('\n') || 'It has said nothing yet.')
    if (stays) log.scrollTop = log.scrollHeight
  }
  return { element, refresh }
}

function troubles({ counters, unknownImports, complaints, supervision }) {
  const dropped = Object.entries(TROUBLE).filter(([key]) => counters[key] > 0).map(([key, name]) => `${short(counters[key])} ${name}`)
  const next = supervision.nextRestartInMs
  return [
    unknownImports.length ? `It was built for a host with more functions. Calling one of these ends it: ${unknownImports.join(', ')}` : null,
    ...complaints,
    dropped.length ? dropped.join(', ') : null,
    next === null ? null : `Starts again in ${Math.ceil(next / 1000)} s (crash ${supervision.crashesInSeries} of at most 4)`,
  ].filter(Boolean)
}

function figures({ memory, fuel, counters, module, capabilities, supervision }) {
  return [
    ['Memory', `${bytes(memory.bytes)} of ${bytes(memory.limitBytes)}`],
    ['Fuel', `${short(fuel.used)}, ${short(fuel.perSecond)} per second`],
    ['Deltas', `${short(counters.deltasIn)} in, ${short(counters.deltasOut)} out`],
    ['Host calls', short(counters.hostCalls)],
    ['Subscriptions', short(counters.subscriptions)],
    ['Restarts', short(supervision.restarts)],
    ['May do', capabilities.join(', ') || 'nothing'],
    ['Module', `${module.file}${module.bytes ? `, ${bytes(module.bytes)}` : ''}${module.sha256 ? `, sha256 ${module.sha256.slice(0, 12)}…` : ''}`],
    ['Folder', module.folder],
  ]
}

function lines(list, texts) {
  const now = texts.join('\n')
  if (list.now === now) return
  list.now = now
  list.replaceChildren(...texts.map((line) => h('li', null, line)))
}

function pairs(list, all) {
  if (list.childElementCount !== all.length) {
    list.replaceChildren(...all.map(([name]) => h('div', null, h('dt', null, name), h('dd', null))))
  }
  all.forEach(([, value], i) => text(list.children[i].lastChild, value))
}

function table(element, exports) {
  const rows = Object.entries(exports).sort(([, a], [, b]) => b.fuel - a.fuel)
  const now = JSON.stringify(rows)
  if (element.now === now) return
  element.now = now
  element.hidden = rows.length === 0
  element.replaceChildren(
    h('thead', null, h('tr', null, h('th', null, 'Export'), h('th', null, 'Calls'), h('th', null, 'Fuel'))),
    h('tbody', null, rows.map(([name, { calls, fuel }]) =>
      h('tr', null, h('td', null, name), h('td', { class: 'number' }, short(calls)), h('td', { class: 'number' }, short(fuel))))))
}

function logLine({ timeMs, level, text }) {
  return `${new Date(timeMs).toISOString().slice(11, 19)} ${level.padEnd(5)} ${text}`
}
