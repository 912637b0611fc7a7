// Every path of every context, newest value, source and age.

import { h, keyed, text } from '../dom.js'
import { age, shown } from '../units.js'

export const title = 'Data'

/** More rows than this are not drawn; the filter finds the others. */
const MOST_ROWS = 400

export function open(model) {
  const filter = h('input', { type: 'search', placeholder: 'Filter by path, vessel or source', 'aria-label': 'Filter', 'data-testid': 'filter' })
  const all = h('input', { type: 'checkbox' })
  const count = h('span', { class: 'quiet', 'data-testid': 'count' })
  const body = h('tbody')
  const element = h('section', { class: 'data' },
    h('div', { class: 'row' }, filter, h('label', null, all, ' other vessels too'), count),
    h('div', { class: 'scroll card' },
      h('table', null,
        h('thead', null, h('tr', null, ['Path', 'Value', 'Source', 'Age'].map((name) => h('th', { scope: 'col' }, name)))),
        body)))
  const view = {
    element,
    draw() {
      const rows = select(model, filter.value.toLowerCase(), all.checked)
      text(count, rows.length > MOST_ROWS ? `${MOST_ROWS} of ${rows.length} paths` : `${rows.length} paths`)
      keyed(body, rows.slice(0, MOST_ROWS), (row) => row.key, makeRow, drawRow)
    },
  }
  filter.oninput = all.onchange = view.draw
  return view
}

function select(model, wanted, others) {
  const rows = []
  for (const [context, paths] of model.contexts) {
    if (context !== model.self && !others) continue
    const vessel = context === model.self ? '' : String(paths.get('name')?.value ?? context)
    for (const [path, leaf] of paths) {
      if (leaf.value === undefined) continue
      const key = `${vessel} ${path}`
      if (wanted && !`${key} ${leaf.source}`.toLowerCase().includes(wanted)) continue
      rows.push({ key: `${context}/${path}`, order: key, vessel, path, leaf })
    }
  }
  return rows.sort((a, b) => (a.order < b.order ? -1 : 1))
}

function makeRow({ vessel, path, leaf }) {
  const name = h('td', { title: leaf.meta.description ?? '' }, vessel ? h('b', null, `${vessel} `) : null, breakable(path))
  const cells = [h('td', { class: 'number' }), h('td'), h('td', { class: 'number' })]
  const row = h('tr', { 'data-path': path }, name, cells)
  row.cells_ = cells
  return row
}

/** A narrow column breaks a path after its dots. */
const breakable = (path) => path.replaceAll('.', '.\u200b')

function drawRow(row, { leaf }) {
  const [value, source, old] = row.cells_
  text(value, plain(leaf))
  text(source, leaf.sources.size > 1 ? `${leaf.source} +${leaf.sources.size - 1}` : leaf.source)
  text(old, age(leaf.age()))
}

function plain({ value, meta }) {
  if (typeof value === 'number') {
    const display = shown(value, meta.units)
    return `${display.text} ${display.unit}`.trim()
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}
