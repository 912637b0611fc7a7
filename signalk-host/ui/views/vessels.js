// The vessels around: a plot with the own boat in the middle, and a list.

import { attribute, h, keyed, s, text } from '../dom.js'
import { stateOf } from '../model.js'
import { age, bearing, degrees, nauticalMiles, shown } from '../units.js'

export const title = 'Vessels'

const EARTH = 6_371_008
const RANGES = [0.5, 1, 2, 3, 6, 12, 24, 48]

/**
 * Milliseconds without a position. By AIS a vessel under way tells its position every 30 s at the latest, one that lies still
 * and a mark every 3 minutes.
 */
const OLD_UNDER_WAY = 70_000
const OLD_STILL = 390_000
/** Then it is where nobody knows, and not shown any more. */
const GONE = 600_000
/** m/s */
const UNDER_WAY = 1

export function open(model) {
  const targets = s('g')
  const rings = s('g', { class: 'rings' })
  const own = s('path', { class: 'own', d: 'M0-9L6 8Q0 5-6 8Z' })
  const plot = s('svg', { viewBox: '-110 -110 220 220', role: 'img', 'aria-label': 'Plot of the vessels around', 'data-testid': 'plot' }, rings, targets, own)
  const body = h('tbody')
  const none = h('p', { class: 'quiet' }, 'No other vessels seen.')
  const doubt = h('p', { class: 'quiet', role: 'alert', 'data-testid': 'own-position' })
  const element = h('section', { class: 'vessels' },
    h('div', { class: 'card plot' }, plot),
    h('div', { class: 'card scroll' }, doubt, none,
      h('table', null, h('thead', null, h('tr', null,
        ['Name', 'Distance', 'Bearing', 'Speed', 'Course', 'Age'].map((name) => h('th', { scope: 'col' }, name)))), body)))
  return {
    element,
    draw() {
      const list = around(model)
      none.hidden = list.length > 0
      const here = model.own('navigation.position')
      const where = stateOf(here && place(here.value) ? here : undefined)
      text(doubt, where === 'live' ? '' : where === 'none' ? 'No own position: there are no distances.'
        : `The own position is ${age(here.age())} old: distances are from there.`)
      doubt.hidden = doubt.textContent === ''
      attribute(own, 'data-state', where)
      const farthest = list.filter((t) => t.distance < 48 * 1852).at(-1)?.distance ?? 1852
      const range = RANGES.find((miles) => miles * 1852 >= farthest) ?? 48
      drawRings(rings, range)
      const heading = model.first('navigation.headingTrue', 'navigation.courseOverGroundTrue')
      attribute(own, 'transform', `rotate(${degrees(number(heading?.value) ?? 0).toFixed(0)})`)
      const near = list.filter((target) => target.distance <= range * 1852)
      keyed(targets, near, (t) => t.context, makeTarget, (mark, target) => drawTarget(mark, target, range))
      keyed(body, list, (t) => t.context, makeRow, drawRow)
    },
  }
}

export function around(model) {
  const here = place(model.own('navigation.position')?.value)
  const found = []
  for (const [context, paths] of model.contexts) {
    const position = paths.get('navigation.position')
    if (context === model.self || !place(position?.value)) continue
    const since = position.age()
    if (since > GONE) continue
    const course = number(paths.get('navigation.courseOverGroundTrue')?.value)
    const speed = number(paths.get('navigation.speedOverGround')?.value)
    found.push({
      context, course, speed, since,
      state: since > (speed > UNDER_WAY ? OLD_UNDER_WAY : OLD_STILL) ? 'old' : 'live',
      name: String(paths.get('name')?.value || context.split(':').at(-1)),
      fixed: !context.startsWith('vessels.'),
      ...(here ? vector(here, position.value) : { distance: Infinity, direction: 0 }),
    })
  }
  return found.sort((a, b) => a.distance - b.distance)
}

const number = (value) => (Number.isFinite(value) ? value : undefined)

/** A position, if it is one. */
const place = (value) => (Number.isFinite(value?.latitude) && Number.isFinite(value?.longitude) ? value : undefined)

/** Distance in metres and bearing in radians; a flat earth is right enough within 50 miles, also across the date line. */
export function vector(from, to) {
  const apart = ((((to.longitude - from.longitude) % 360) + 540) % 360) - 180
  const north = ((to.latitude - from.latitude) * Math.PI * EARTH) / 180
  const east = (apart * Math.PI * EARTH * Math.cos((from.latitude * Math.PI) / 180)) / 180
  return { distance: Math.hypot(north, east), direction: (Math.atan2(east, north) + 2 * Math.PI) % (2 * Math.PI) }
}

function drawRings(group, range) {
  if (group.dataset.range === String(range)) return
  group.dataset.range = range
  group.replaceChildren(...[1, 2, 3].flatMap((part) => [
    s('circle', { r: part * 34 }),
    s('text', { x: 0, y: part * 34 - 2 }, `${+((range * part) / 3).toFixed(2)} nm`),
  ]), s('text', { class: 'north', x: 0, y: -104 }, 'N'))
}

function makeTarget({ fixed, name }) {
  const shape = fixed ? s('path', { class: 'mark', d: 'M0-4L4 0 0 4-4 0Z' }) : s('path', { class: 'target', d: 'M0-6L4 5H-4Z' })
  return s('g', null, s('line', { class: 'track' }), shape, s('title', null, name))
}

function drawTarget(group, { distance, direction, course, speed, fixed, state }, range) {
  attribute(group, 'data-state', state)
  const scale = 102 / (range * 1852)
  const [x, y] = [Math.sin(direction) * distance * scale, -Math.cos(direction) * distance * scale]
  attribute(group, 'transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`)
  const [line, shape] = group.children
  if (!fixed) attribute(shape, 'transform', `rotate(${degrees(course ?? 0).toFixed(0)})`)
  const ahead = Math.min((speed ?? 0) * 360 * scale, 60)
  attribute(line, 'x2', (Math.sin(course ?? 0) * ahead).toFixed(1))
  attribute(line, 'y2', (-Math.cos(course ?? 0) * ahead).toFixed(1))
}

function makeRow({ context }) {
  const cells = Array.from({ length: 6 }, (_, i) => h('td', i ? { class: 'number' } : null))
  const row = h('tr', { 'data-testid': 'vessel-row', title: context }, cells)
  row.cells_ = cells
  return row
}

function drawRow(row, target) {
  attribute(row, 'data-state', target.state)
  const far = Number.isFinite(target.distance)
  const texts = [
    target.name,
    far ? `${nauticalMiles(target.distance).toFixed(2)} nm` : '–',
    far ? `${bearing(target.direction)}°` : '–',
    target.speed === undefined ? '' : `${shown(target.speed, 'm/s').text} kn`,
    target.course === undefined ? '' : `${bearing(target.course)}°`,
    age(target.since),
  ]
  texts.forEach((value, i) => text(row.cells_[i], value))
}
