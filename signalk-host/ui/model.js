// What the stream has told so far: contexts, their paths, values and metadata.

/** One path of one context. */
class Leaf {
  value = undefined
  source = ''
  at = 0
  meta = {}
  sources = new Map()
}

export class Model {
  self = ''
  contexts = new Map()
  deltas = 0
  changed = () => {}

  /** Any message of the stream: a hello, a delta; others are ignored. */
  receive(message) {
    if (typeof message !== 'object' || message === null) return
    if (typeof message.self === 'string') this.self = message.self
    if (!Array.isArray(message.updates)) return
    this.deltas += 1
    const context = message.context === 'vessels.self' ? this.self : message.context ?? this.self
    for (const update of message.updates) this.#update(context, update)
    this.changed()
  }

  #update(context, update) {
    const at = Date.parse(update.timestamp) || Date.now()
    const source = update.$source ?? ''
    for (const { path, value } of update.values ?? []) {
      if (path === '') this.#root(context, value, source, at)
      else this.#set(context, path, value, source, at)
    }
    for (const { path, value } of update.meta ?? []) Object.assign(this.#leaf(context, path).meta, value)
  }

  /** Values of the root path are attributes of the vessel: name, mmsi ... */
  #root(context, value, source, at) {
    for (const [name, part] of Object.entries(value ?? {})) this.#set(context, name, part, source, at)
  }

  #set(context, path, value, source, at) {
    const leaf = this.#leaf(context, path)
    leaf.value = value
    leaf.source = source
    leaf.at = at
    leaf.sources.set(source, { value, at })
  }

  #leaf(context, path) {
    let paths = this.contexts.get(context)
    if (!paths) this.contexts.set(context, (paths = new Map()))
    let leaf = paths.get(path)
    if (!leaf) paths.set(path, (leaf = new Leaf()))
    return leaf
  }

  /** The leaf of the own vessel, or undefined. */
  own(path) {
    return this.contexts.get(this.self)?.get(path)
  }

  /** The first of several paths of the own vessel that has a value. */
  first(...paths) {
    return paths.map((path) => this.own(path)).find((leaf) => leaf && leaf.value !== undefined && leaf.value !== null)
  }

  value(context, path) {
    return this.contexts.get(context)?.get(path)?.value
  }
}
