// What the stream has told so far: contexts, their paths, values and metadata.

/** Milliseconds. Older than this is shown as old: an instrument that stopped must not look alive. */
export const OLD = 10_000

/**
 * When something was true, by the clocks of this device alone: those of senders may be hours off. Two of them, and the larger age
 * counts: one stands still while a tablet sleeps, the other jumps when somebody sets it.
 */
class Moment {
  constructor(age) {
    this.tick = performance.now() - age
    this.wall = Date.now() - age
  }

  age() {
    return Math.max(performance.now() - this.tick, Date.now() - this.wall, 0)
  }
}

/** One path of one context. */
class Leaf {
  value = undefined
  source = ''
  meta = {}
  sources = new Map()
  seen = null

  /** Milliseconds since its value came. */
  age() {
    return this.seen?.age() ?? Infinity
  }
}

/** How a thing is shown: 'none', 'old' or 'live'. */
export function stateOf(leaf, old = OLD) {
  return !leaf?.seen ? 'none' : leaf.age() > old ? 'old' : 'live'
}

export class Model {
  self = ''
  contexts = new Map()
  deltas = 0
  /** When the server said hello last, by its own clock: what it knew before is as old as that clock says. */
  #hello = NaN
  #hellos = 0
  changed = () => {}

  /** Any message of the stream: a hello, a delta; others are ignored. */
  receive(message) {
    if (typeof message !== 'object' || message === null) return
    if (typeof message.self === 'string') this.self = message.self
    if (!Array.isArray(message.updates) && message.timestamp) {
      this.#hello = Date.parse(message.timestamp)
      this.#hellos += 1
    }
    if (!Array.isArray(message.updates)) return
    this.deltas += 1
    const context = message.context === 'vessels.self' ? this.self : message.context ?? this.self
    for (const update of message.updates) this.#update(context, update)
    this.changed()
  }

  #update(context, update) {
    const at = Date.parse(update.timestamp)
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
    // The first word of a source after a hello is what the server remembered; whatever follows has just come.
    const remembered = leaf.sources.get(source)?.hello !== this.#hellos
    const age = remembered ? Math.max(this.#hello - at, 0) || 0 : 0
    leaf.seen = new Moment(age)
    leaf.sources.set(source, { value, hello: this.#hellos })
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

  /** The first of several paths of the own vessel that has a value; one that is live goes before one that is old. */
  first(...paths) {
    const known = paths.map((path) => this.own(path)).filter((leaf) => leaf && leaf.value !== undefined && leaf.value !== null)
    return known.find((leaf) => leaf.age() <= OLD) ?? known[0]
  }

  value(context, path) {
    return this.contexts.get(context)?.get(path)?.value
  }
}
