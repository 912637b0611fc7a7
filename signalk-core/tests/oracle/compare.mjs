// Our parser beside the reference converter on any log of NMEA 0183 sentences; prints where they differ.
//
//   npm install --no-save --prefix /some/empty/folder @signalk/nmea0183-signalk@3.20.1
//   node compare.mjs /some/empty/folder some.log
//
// Needs npm and therefore is no part of CI; what CI needs of the reference is in recorded.jsonl.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const [folder, log] = process.argv.slice(2)
const NOW = '2026-01-02T03:04:05.000Z'
const big = { encoding: 'utf8', maxBuffer: 1 << 30 }

const sentences = readFileSync(log, 'utf8').split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
const reference = lines(execFileSync(process.execPath, [join(here, 'record.mjs'), folder, log], big))
const ours = lines(
  execFileSync('cargo', ['run', '-q', '-p', 'signalk-core', '--example', 'nmea0183_to_deltas', '--', String(Date.parse(NOW))], {
    ...big,
    cwd: here,
    input: sentences.join('\n') + '\n',
  })
)

let different = 0
sentences.forEach((sentence, at) => {
  const theirs = reference[at]
  const mine = likeTheRecording(ours[at], theirs)
  if (agree(mine, theirs)) return
  different += 1
  console.log(`${sentence}\n  ours      ${JSON.stringify(mine)}\n  reference ${JSON.stringify(theirs)}`)
})
console.log(`${sentences.length - different} of ${sentences.length} sentences agree`)
process.exitCode = different === 0 ? 0 : 1

function lines(text) {
  return text.trim().split('\n').map((line) => JSON.parse(line))
}

function likeTheRecording(delta, theirs) {
  if (delta === null) return null
  const [{ source, timestamp, values }] = delta.updates
  const out = { talker: source.talker, sentence: source.sentence, values: values.map(({ path, value }) => [path, value]) }
  if (delta.context) out.context = delta.context
  // A sentence without a time of its own has none in the recording and that of its arrival in ours.
  if (theirs?.timestamp || timestamp !== NOW) out.timestamp = timestamp
  return out
}

// Equal, but for the last digits of numbers.
function agree(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => agree(a[key], b[key]))
}
