// A form from a JSON schema: text, numbers, switches, choices and groups of
// them. What it cannot draw (arrays, alternatives) is edited as JSON.

import { h } from './dom.js'

/** {element, read()}: read gives the object, or undefined when something is not valid. */
export function makeForm(schema, value) {
  const field = makeField({ type: 'object', ...schema, title: undefined }, value, '')
  return {
    element: h('form', { class: 'options', onsubmit: (event) => event.preventDefault() }, field.element),
    read() {
      try {
        return field.read()
      } catch (error) {
        error.input?.focus()
        return undefined
      }
    },
  }
}

function makeField(schema, value, name) {
  const given = value ?? schema.default
  if (schema.enum || schema.oneOf?.every((choice) => 'const' in choice)) return choice(schema, given, name)
  if (schema.type === 'object' && schema.properties) return group(schema, given ?? {})
  if (schema.type === 'boolean') return toggle(schema, given, name)
  if (schema.type === 'number' || schema.type === 'integer') return number(schema, given, name)
  if (schema.type === 'string') return line(schema, given, name)
  return raw(schema, given, name)
}

function group(schema, value) {
  const fields = Object.entries(schema.properties).map(([name, part]) => [name, makeField(part, value[name], name)])
  const title = schema.title ? h('legend', null, schema.title) : null
  return {
    element: h('fieldset', null, title, note(schema), fields.map(([, field]) => field.element)),
    read() {
      const result = { ...value }
      for (const [name, field] of fields) {
        const part = field.read()
        if (part === undefined) delete result[name]
        else result[name] = part
      }
      return result
    },
  }
}

function labelled(schema, name, input) {
  return h('label', { class: 'field' }, h('span', null, schema.title ?? name), input, note(schema))
}

function note(schema) {
  return schema.description ? h('small', null, schema.description) : null
}

function line(schema, value, name) {
  const input = h('input', { type: 'text', value: value ?? '' })
  return { element: labelled(schema, name, input), read: () => (input.value === '' ? undefined : input.value) }
}

function number(schema, value, name) {
  const input = h('input', { type: 'number', step: schema.type === 'integer' ? 1 : 'any', min: schema.minimum, max: schema.maximum, value: value ?? '' })
  return {
    element: labelled(schema, name, input),
    read() {
      if (!input.reportValidity()) throw Object.assign(new Error('not a valid number'), { input })
      return input.value === '' ? undefined : Number(input.value)
    },
  }
}

function toggle(schema, value, name) {
  const input = h('input', { type: 'checkbox', checked: Boolean(value) })
  return { element: labelled(schema, name, input), read: () => input.checked }
}

function choice(schema, value, name) {
  const choices = schema.enum?.map((item) => ({ const: item })) ?? schema.oneOf
  const options = choices.map((item, i) => h('option', { value: i, selected: item.const === value }, String(item.title ?? item.const)))
  const select = h('select', null, options)
  if (!choices.some((item) => item.const === value)) select.value = ''
  return { element: labelled(schema, name, select), read: () => choices[select.value]?.const }
}

function raw(schema, value, name) {
  const input = h('textarea', { rows: 4, spellcheck: 'false' })
  input.value = value === undefined ? '' : JSON.stringify(value, null, 2)
  return {
    element: labelled({ ...schema, title: `${schema.title ?? (name || 'Options')} (JSON)` }, name, input),
    read() {
      input.setCustomValidity('')
      if (input.value.trim() === '') return name === '' ? {} : undefined
      try {
        return JSON.parse(input.value)
      } catch (error) {
        input.setCustomValidity(`Not JSON: ${error.message}`)
        input.reportValidity()
        throw Object.assign(error, { input })
      }
    },
  }
}
