// The values a helmsman looks at: a wind dial and large figures.

import { attribute, h, s, text } from '../dom.js'
import { OLD, stateOf } from '../model.js'
import { age, bearing, degrees, latitude, longitude, shown } from '../units.js'

export const title = 'Instruments'

const TILES = [
  { id: 'sog', name: 'Speed, ground', paths: ['navigation.speedOverGround'], unit: 'm/s' },
  { id: 'stw', name: 'Speed, water', paths: ['navigation.speedThroughWater'], unit: 'm/s' },
  { id: 'hdg', name: 'Heading', paths: ['navigation.headingTrue', 'navigation.headingMagnetic'], bearing: true },
  { id: 'cog', name: 'Course, ground', paths: ['navigation.courseOverGroundTrue', 'navigation.courseOverGroundMagnetic'], bearing: true },
  { id: 'depth', name: 'Depth', paths: ['environment.depth.belowKeel', 'environment.depth.belowSurface', 'environment.depth.belowTransducer'], unit: 'm' },
  { id: 'aws', name: 'Apparent wind', paths: ['environment.wind.speedApparent'], unit: 'm/s' },
  { id: 'tws', name: 'True wind', paths: ['environment.wind.speedTrue', 'environment.wind.speedOverGround'], unit: 'm/s' },
  { id: 'vmg', name: 'VMG to wind', paths: ['performance.velocityMadeGood'], unit: 'm/s' },
  { id: 'water', name: 'Water', paths: ['environment.water.temperature'], unit: 'K' },
  { id: 'log', name: 'Trip', paths: ['navigation.trip.log', 'navigation.log'], miles: true },
]

export function open(model) {
  const dial = makeDial()
  const tiles = TILES.map((tile) => ({ ...tile, parts: makeTile(tile) }))
  const position = makePosition()
  const quiet = h('p', { class: 'quiet', 'data-testid': 'no-data' },
    'No data yet. Connect an instrument with --nmea0183, or start with --demo.')
  const element = h('section', { class: 'instruments' },
    quiet,
    h('div', { class: 'dial card' }, dial.element),
    position.element,
    h('div', { class: 'tiles' }, tiles.map((tile) => tile.parts.element)))
  return {
    element,
    draw() {
      quiet.hidden = model.deltas > 0
      dial.draw(model)
      position.draw(model)
      for (const tile of tiles) drawTile(tile, model)
    },
  }
}

function makeTile({ id, name }) {
  const value = h('span', { class: 'value', 'data-testid': `value-${id}` }, '–')
  const unit = h('span', { class: 'unit' })
  const foot = h('span', { class: 'foot' })
  const element = h('article', { class: 'tile card', 'aria-label': name }, h('h2', null, name), h('p', null, value, unit), foot)
  return { element, value, unit, foot }
}

function drawTile({ parts, paths, unit, bearing: isBearing, miles }, model) {
  const leaf = model.first(...paths)
  const display = isBearing ? { text: bearing(leaf?.value), unit: '°' }
    : miles ? shown(typeof leaf?.value === 'number' ? leaf.value / 1852 : undefined, 'nm', 2)
    : shown(leaf?.value, unit)
  text(parts.value, display.text)
  text(parts.unit, display.unit)
  text(parts.foot, foot(leaf))
  attribute(parts.element, 'data-state', stateOf(leaf))
}

function foot(leaf) {
  if (!leaf?.seen) return 'no source'
  const old = leaf.age()
  return old > OLD ? `${leaf.source} · ${age(old)} old` : leaf.source
}

function makePosition() {
  const lat = h('span', { 'data-testid': 'latitude' }, '–')
  const lon = h('span', { 'data-testid': 'longitude' }, '–')
  const place = h('span', { class: 'foot' })
  const element = h('article', { class: 'tile position card', 'aria-label': 'Position', 'data-testid': 'position' },
    h('h2', null, 'Position'), h('p', null, lat, lon), place)
  return {
    element,
    draw(model) {
      const leaf = model.own('navigation.position')
      text(lat, latitude(leaf?.value?.latitude))
      text(lon, longitude(leaf?.value?.longitude))
      text(place, foot(leaf))
      attribute(element, 'data-state', stateOf(leaf))
    },
  }
}

/** The boat looks up; the rose turns under it; arrows show where the wind comes from. */
function makeDial() {
  const rose = s('g', { class: 'rose' }, ticks(), cardinals())
  const apparent = arrow('apparent', 'A')
  const truth = arrow('true', 'T')
  const heading = s('text', { class: 'heading', x: 0, y: -4 }, '–')
  const label = s('text', { class: 'label', x: 0, y: 10 }, 'heading')
  const wind = s('text', { class: 'wind', x: 0, y: 38 }, '')
  const svg = s('svg', { viewBox: '-130 -130 260 260', role: 'img', 'aria-label': 'Compass and wind', 'data-testid': 'dial' },
    s('circle', { class: 'rim', r: 118 }),
    sector('port', -60, -20), sector('starboard', 20, 60),
    rose, s('path', { class: 'hull', d: 'M0-84C30-46 36 12 26 66H-26C-36 12-30-46 0-84Z' }),
    truth, apparent, heading, label, wind)
  return {
    element: svg,
    draw(model) {
      const ahead = model.first('navigation.headingTrue', 'navigation.headingMagnetic')
      const course = ahead ?? model.first('navigation.courseOverGroundTrue')
      text(label, ahead ? 'heading' : 'course')
      if (course) rotate(rose, -degrees(course.value))
      for (const part of [rose, heading, label]) attribute(part, 'data-state', stateOf(course))
      text(heading, course ? `${bearing(course.value)}°` : '–')
      turn(apparent, model.first('environment.wind.angleApparent'))
      turn(truth, model.first('environment.wind.angleTrueWater', 'environment.wind.angleTrueGround'))
      const speed = model.first('environment.wind.speedApparent')
      attribute(wind, 'data-state', stateOf(speed))
      text(wind, speed ? `${shown(speed.value, 'm/s').text} kn` : '')
    },
  }
}

function turn(group, leaf) {
  attribute(group, 'visibility', leaf ? 'visible' : 'hidden')
  attribute(group, 'data-state', stateOf(leaf))
  if (leaf) rotate(group, degrees(leaf.value))
}

/** Turns the short way round: from 359 on to 361, not back through south. What is no number turns nothing. */
function rotate(group, angle) {
  if (!Number.isFinite(angle)) return
  const last = group.angle ?? angle
  group.angle = last + ((((angle - last) % 360) + 540) % 360) - 180
  attribute(group, 'transform', `rotate(${group.angle.toFixed(1)})`)
}

function arrow(name, letter) {
  return s('g', { class: `arrow ${name}` },
    s('path', { d: 'M0-78L12-112Q0-106-12-112Z' }), s('text', { x: 0, y: -98 }, letter))
}

function sector(name, from, to) {
  const [x1, y1, x2, y2] = [from, to].flatMap((angle) => {
    const radians = ((angle - 90) * Math.PI) / 180
    return [Math.cos(radians) * 118, Math.sin(radians) * 118]
  })
  return s('path', { class: `sector ${name}`, d: `M${x1} ${y1}A118 118 0 0 1 ${x2} ${y2}` })
}

function ticks() {
  return Array.from({ length: 36 }, (_, i) =>
    s('path', { class: 'tick', d: i % 3 === 0 ? 'M0-112V-102' : 'M0-112V-107', transform: `rotate(${i * 10})` }))
}

function cardinals() {
  return ['N', '30', '60', 'E', '120', '150', 'S', '210', '240', 'W', '300', '330'].map((name, i) =>
    s('text', { class: name.length === 1 ? 'cardinal' : 'degree', x: 0, y: -90, transform: `rotate(${i * 30})` }, name))
}
