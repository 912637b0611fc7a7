// Elements as function calls; nothing else. No framework: the page must load
// from a small computer over a weak link, and without the internet.

const SVG = 'http://www.w3.org/2000/svg'

/** h('p', {class: 'x', onclick: f}, 'text', child): an HTML element. */
export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children)

/** The same for SVG. */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children)

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined))
  return element
}

/** Changes a text only when it differs: the screen reader and the layout rest. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value
}

/** Sets an attribute only when it differs. */
export function attribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value)
}

/** Keeps one child per key, in order; makes and removes what is needed. */
export function keyed(parent, items, keyOf, make, update) {
  const old = parent.keyedChildren ?? new Map()
  const now = new Map()
  let place = parent.firstChild
  for (const item of items) {
    const key = keyOf(item)
    const element = old.get(key) ?? make(item)
    old.delete(key)
    now.set(key, element)
    update(element, item)
    if (element === place) place = place.nextSibling
    else parent.insertBefore(element, place)
  }
  for (const element of old.values()) element.remove()
  parent.keyedChildren = now
}
