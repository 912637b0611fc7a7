// What the reference converter says about a file of sentences, one JSON line per sentence.
//
//   npm install --no-save --prefix /some/empty/folder @signalk/nmea0183-signalk@3.20.1
//   node record.mjs /some/empty/folder sentences.txt > recorded.jsonl
//
// Only its output is used. Its clock stands still, so the output is always the same.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const NOW = Date.parse('2026-01-02T03:04:05.000Z')

const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(NOW)
    else super(...given)
  }
  static now() {
    return NOW
  }
}

const [folder, file] = process.argv.slice(2)
const require = createRequire(resolve(folder, 'index.js'))
const Parser = require('@signalk/nmea0183-signalk')
const parser = new Parser({ validateChecksum: true })

for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
  if (line === '' || line.startsWith('#')) continue
  let answer = null
  try {
    answer = parser.parse(line)
  } catch {
    answer = null
  }
  const update = answer?.updates?.[0]
  const values = (update?.values ?? [])
    .filter(({ value }) => value !== undefined && !Number.isNaN(value))
    .map(({ path, value }) => [path, value])
  const out = values.length === 0 ? null : {
    context: answer.context,
    timestamp: update.timestamp,
    talker: update.source?.talker,
    sentence: update.source?.sentence,
    values,
  }
  console.log(JSON.stringify(out))
}
