// An alarm when there is too little water under the keel: from a delta to a notification.
import {
  JSON, Notification, NotificationState, Plugin, createSimpleDelta, emit, setStatus
} from '@signalk/assemblyscript-plugin-sdk/assembly'

const DEPTH = 'environment.depth.belowKeel'

class ShallowWater extends Plugin {
  /** Metres. */
  limit: f64 = 2
  shallow: bool = false

  name(): string {
    return 'Shallow water'
  }

  schema(): string {
    return `{
      "type": "object",
      "properties": {
        "limit": {"type": "number", "title": "Alarm below (m)", "default": 2, "minimum": 0}
      }
    }`
  }

  start(config: string): i32 {
    const options = JSON.parse(config)
    if (options.isObj) {
      const limit = number((<JSON.Obj>options).getValue('limit'))
      if (!isNaN(limit)) this.limit = limit
    }
    setStatus('Waiting for a depth')
    return 0
  }

  stop(): i32 {
    return 0
  }

  /** A depth has come. Only our own vessel sends one: AIS has none. */
  see(depth: f64): void {
    setStatus(depth.toString() + ' m under the keel')
    const shallow = depth < this.limit
    if (shallow == this.shallow) return
    this.shallow = shallow
    const state = shallow ? NotificationState.alarm : NotificationState.normal
    const alarm = new Notification(state, depth.toString() + ' m under the keel')
    emit(createSimpleDelta('notifications.' + DEPTH, alarm.toJSON()))
  }
}

/** JSON has one kind of number, this library two; null is a depth that is not known. */
function number(value: JSON.Value | null): f64 {
  if (value) {
    if (value.isInteger) return <f64>(<JSON.Integer>value).valueOf()
    if (value.isFloat) return (<JSON.Float>value).valueOf()
  }
  return NaN
}

const plugin = new ShallowWater()

export function plugin_name(): string {
  return plugin.name()
}

export function plugin_schema(): string {
  return plugin.schema()
}

export function plugin_start(ptr: usize, len: usize): i32 {
  return plugin.start(String.UTF8.decodeUnsafe(ptr, len))
}

export function plugin_stop(): i32 {
  return plugin.stop()
}

export function delta_handler(json: string): void {
  // Most deltas have no depth, and parsing takes time.
  if (!json.includes('"' + DEPTH + '"')) return
  const updates = (<JSON.Obj>JSON.parse(json)).getArr('updates')
  if (!updates) return
  for (let i = 0; i < updates.valueOf().length; i++) {
    const values = (<JSON.Obj>updates.valueOf()[i]).getArr('values')
    if (!values) continue
    for (let j = 0; j < values.valueOf().length; j++) {
      const value = <JSON.Obj>values.valueOf()[j]
      const path = value.getString('path')
      const depth = number(value.getValue('value'))
      if (path && path.valueOf() == DEPTH && !isNaN(depth)) plugin.see(depth)
    }
  }
}
