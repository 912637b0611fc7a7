// A form from a JSON schema: groups, lists, and the inputs of fields.js. What it cannot draw (alternatives,
// schemas of another file) is edited as JSON. Own code: the libraries for this want a framework, or to compile
// code at run time, which the page's security policy forbids. What the browser does not check, the server does.

import { h, text } from './dom.js'
import { choice, line, number, raw, several, toggle } from './fields.js'

const DEEPEST = 12

/** {element, read()}: read gives the object; when something is not valid that is shown, and it gives undefined. */
export function makeForm(schema, value) {
  const field = makeField({ type: 'object', ...schema, title: undefined }, value, '', schema, 0)
  return {
    element: h('form', { class: 'options', novalidate: true, onsubmit: (event) => event.preventDefault() }, field.element),
    read() {
      const problems = []
      const result = field.read(problems)
      if (problems.length === 0) return result
      problems[0].input.focus()
      return undefined
    },
  }
}

function makeField(schema, value, name, root, depth) {
  schema = resolved(schema, root)
  const given = value ?? schema.default
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type
  if (depth > DEEPEST) return raw(schema, given, name)
  if (schema.enum || schema.oneOf?.every((choice) => 'const' in choice)) return choice(schema, given, name)
  if (schema.properties && type !== 'array') return group(schema, given, name, root, depth)
  if (type === 'array' && schema.items?.enum && schema.uniqueItems) return several(schema, given, name)
  if (type === 'array' && plain(schema.items)) return list(schema, given, name, root, depth)
  if (type === 'boolean') return toggle(schema, given, name)
  if (type === 'number' || type === 'integer') return number({ ...schema, type }, given, name)
  if (type === 'string') return line(schema, given, name)
  return raw(schema, given, name)
}

const plain = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Follows references inside the schema; what the reference stands beside wins. */
function resolved(schema, root) {
  let here = plain(schema) ? schema : {}
  for (let hops = 0; typeof here.$ref === 'string' && hops < DEEPEST; hops += 1) {
    const { $ref, ...beside } = here
    const steps = $ref.startsWith('#/') ? $ref.slice(2).split('/') : null
    const found = steps?.reduce((at, step) => at?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')], root)
    if (!plain(found)) return beside
    here = { ...found, ...beside }
  }
  return here
}

function group(schema, value, name, root, depth) {
  const given = plain(value) ? value : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  const fields = Object.entries(schema.properties).map(([key, part]) =>
    [key, makeField({ ...part, isRequired: required.includes(key) }, given[key], key, root, depth + 1)])
  const title = schema.title || name ? h('legend', null, schema.title ?? name) : null
  const hint = schema.description ? h('small', null, schema.description) : null
  return {
    element: h('fieldset', { class: depth ? 'group' : null, 'data-field': name }, title, hint, fields.map(([, field]) => field.element)),
    read(problems) {
      // What the form does not draw stays.
      const result = { ...given }
      for (const [key, field] of fields) {
        const part = field.read(problems)
        if (part === undefined) delete result[key]
        else result[key] = part
      }
      return result
    },
  }
}

function list(schema, value, name, root, depth) {
  const rows = []
  const place = h('div', { class: 'rows' })
  const wrong = h('small', { class: 'error', role: 'alert', hidden: true })
  const item = resolved(schema.items, root)
  const add = (given) => {
    const field = makeField({ ...item, title: undefined, isRequired: true }, given, item.title ?? '', root, depth + 1)
    const row = { field }
    const remove = h('button', { type: 'button', class: 'plain', 'aria-label': 'Remove', title: 'Remove', onclick: () => {
      rows.splice(rows.indexOf(row), 1)
      row.element.remove()
    } }, '×')
    row.element = h('div', { class: 'item' }, field.element, remove)
    rows.push(row)
    place.append(row.element)
  }
  for (const given of Array.isArray(value) ? value : []) add(given)
  const more = h('button', { type: 'button', class: 'plain', onclick: () => add(undefined) }, 'Add')
  const hint = schema.description ? h('small', null, schema.description) : null
  return {
    element: h('fieldset', { class: 'group', 'data-field': name }, h('legend', null, schema.title ?? name), hint, place, h('div', null, more), wrong),
    read(problems) {
      const result = rows.map((row) => row.field.read(problems)).filter((part) => part !== undefined)
      const few = schema.minItems > result.length ? `At least ${schema.minItems}` : ''
      const many = schema.maxItems < result.length ? `At most ${schema.maxItems}` : ''
      text(wrong, few || many)
      wrong.hidden = !(few || many)
      if (few || many) problems.push({ input: more })
      return result
    },
  }
}
