// One input of a form: {element, read(problems)}. read gives the value, undefined for none,
// and adds {input, show} to the problems for what is not valid, so that all are shown at once.

import { h, text } from './dom.js'

/** An input with its name, its explanation, and a place for what is wrong with it. */
function labelled(schema, name, input) {
  const wrong = h('small', { class: 'error', role: 'alert', hidden: true })
  const title = h('span', null, schema.title ?? name, schema.isRequired ? h('b', { class: 'must', title: 'required' }, ' *') : null)
  const hint = schema.description ? h('small', null, schema.description) : null
  const element = h('label', { class: 'field', 'data-field': name }, title, input, hint, wrong)
  input.addEventListener('input', () => { wrong.hidden = true })
  const complain = (problems, why) => {
    text(wrong, why)
    wrong.hidden = false
    problems.push({ input })
  }
  return { element, complain }
}

/** What the browser itself finds wrong, in its own words. */
function checked(input, complain, problems, value) {
  if (!input.checkValidity()) complain(problems, input.validationMessage)
  return value
}

const KINDS = { email: 'email', uri: 'url', url: 'url', date: 'date', time: 'time', password: 'password', color: 'color' }

export function line(schema, value, name) {
  const given = value ?? ''
  const long = String(given).includes('\n') || schema.maxLength > 200
  const limits = { required: schema.isRequired && schema.minLength > 0, minlength: schema.minLength, maxlength: schema.maxLength }
  const input = long
    ? h('textarea', { rows: 4, ...limits })
    : h('input', { type: KINDS[schema.format] ?? 'text', pattern: usable(schema.pattern), ...limits })
  input.value = given
  const { element, complain } = labelled(schema, name, input)
  return {
    element,
    read(problems) {
      // The browser looks at lengths only after a key was pressed.
      const short = schema.minLength > input.value.length && (input.value !== '' || schema.isRequired)
      if (short) complain(problems, `At least ${schema.minLength} characters`)
      else checked(input, complain, problems)
      return input.value === '' && !schema.isRequired ? undefined : input.value
    },
  }
}

/** JSON Schema patterns match anywhere; those of HTML the whole text. One that no browser understands is left to the server. */
function usable(pattern) {
  if (!pattern) return undefined
  try {
    new RegExp(pattern, 'v')
    return `.*(?:${pattern}).*`
  } catch {
    return undefined
  }
}

export function number(schema, value, name) {
  const step = schema.multipleOf ?? (schema.type === 'integer' ? 1 : 'any')
  const input = h('input', { type: 'number', inputmode: 'decimal', step, required: schema.isRequired, min: schema.minimum ?? schema.exclusiveMinimum, max: schema.maximum ?? schema.exclusiveMaximum, value: value ?? '' })
  const { element, complain } = labelled(schema, name, input)
  return {
    element,
    read(problems) {
      const got = input.value === '' ? undefined : Number(input.value)
      if (got !== undefined && got <= schema.exclusiveMinimum) complain(problems, `Must be above ${schema.exclusiveMinimum}`)
      else if (got !== undefined && got >= schema.exclusiveMaximum) complain(problems, `Must be below ${schema.exclusiveMaximum}`)
      else checked(input, complain, problems)
      return got
    },
  }
}

export function toggle(schema, value, name) {
  const input = h('input', { type: 'checkbox', checked: Boolean(value) })
  return { element: labelled(schema, name, input).element, read: () => input.checked }
}

export function choice(schema, value, name) {
  const choices = schema.enum?.map((item, i) => ({ const: item, title: schema.enumNames?.[i] })) ?? schema.oneOf
  const known = choices.some((item) => item.const === value)
  const none = known && schema.isRequired ? null : h('option', { value: '', selected: !known }, '–')
  const options = choices.map((item, i) => h('option', { value: i, selected: item.const === value }, String(item.title ?? item.const)))
  const select = h('select', { required: schema.isRequired }, none, options)
  const { element, complain } = labelled(schema, name, select)
  return { element, read: (problems) => checked(select, complain, problems, choices[select.value]?.const) }
}

/** Several of a few: a box for each. */
export function several(schema, value, name) {
  const names = schema.items.enumNames ?? []
  const boxes = schema.items.enum.map((item, i) => {
    const input = h('input', { type: 'checkbox', checked: (value ?? []).includes(item) })
    return { item, input, element: h('label', { class: 'box' }, input, ' ', String(names[i] ?? item)) }
  })
  const hint = schema.description ? h('small', null, schema.description) : null
  const element = h('fieldset', { class: 'boxes', 'data-field': name }, h('legend', null, schema.title ?? name), hint, boxes.map((box) => box.element))
  return { element, read: () => boxes.filter((box) => box.input.checked).map((box) => box.item) }
}

/** Whatever else: as JSON. */
export function raw(schema, value, name) {
  const input = h('textarea', { rows: 6, spellcheck: 'false', class: 'code' })
  input.value = value === undefined ? '' : JSON.stringify(value, null, 2)
  const { element, complain } = labelled({ ...schema, title: `${schema.title ?? (name || 'Options')} (JSON)` }, name, input)
  return {
    element,
    read(problems) {
      if (input.value.trim() === '') return name === '' ? {} : undefined
      try {
        return JSON.parse(input.value)
      } catch (error) {
        complain(problems, `Not JSON: ${error.message}`)
        return undefined
      }
    },
  }
}
