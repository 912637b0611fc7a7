// Texts that cross the border: what the SDK leaves to each plugin.
import { JSON } from 'assemblyscript-json/assembly'

/** UTF-8 bytes that the host has put there. */
export function utf8(ptr: usize, len: usize): string {
  return String.UTF8.decodeUnsafe(ptr, len)
}

/** A text as JSON, with its quotation marks. */
export function quote(text: string): string {
  return JSON.from(text).stringify()
}

/** The object in this JSON; an empty one if there is none. */
export function object(json: string): JSON.Obj {
  const value = JSON.parse(json)
  return value.isObj ? <JSON.Obj>value : <JSON.Obj>JSON.parse('{}')
}

/** A member that is a text, or what is given instead. */
export function textOf(from: JSON.Obj, key: string, otherwise: string = ''): string {
  const value = from.getString(key)
  return value ? value.valueOf() : otherwise
}

/** A member that is a whole number. */
export function numberOf(from: JSON.Obj, key: string, otherwise: i32 = 0): i32 {
  const value = from.getInteger(key)
  return value ? <i32>value.valueOf() : otherwise
}

/** An HTTP response whose body is this JSON text. */
export function respond(body: string): string {
  return '{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":' + quote(body) + '}'
}
