// The WebSocket to the server; it comes back by itself, and says how it is.

const FIRST_WAIT = 500
const LONGEST_WAIT = 10_000

/** onMessage(object) for each message, onState('connecting' | 'live' | 'lost') for each change. */
export function openStream(onMessage, onState) {
  let wait = FIRST_WAIT
  const connect = () => {
    onState('connecting')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/signalk/v1/stream?subscribe=all&sendMeta=all`)
    socket.onopen = () => {
      wait = FIRST_WAIT
      onState('live')
    }
    socket.onmessage = (event) => onMessage(parsed(event.data))
    socket.onclose = () => {
      onState('lost')
      dispatchEvent(new Event('stream-lost'))
      setTimeout(connect, wait)
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  }
  connect()
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** JSON from the server; the error text is what the server said. */
export async function ask(path, options) {
  const response = await fetch(path, options)
  const body = await response.text()
  if (response.status === 401) {
    dispatchEvent(new Event('login-needed'))
    throw new Error('log in as an administrator to see this')
  }
  if (!response.ok) throw new Error(parsed(body)?.message ?? parsed(body)?.error ?? `${path}: ${response.status}`)
  return parsed(body)
}

/** Milliseconds for an answer that is asked for again and again. */
const PATIENCE = 10_000

/** ask(), but a server that does not answer is no reason to wait for ever. */
export const askSoon = (path) => ask(path, { signal: AbortSignal.timeout(PATIENCE) })

/** Does it now and again after each pause of so many milliseconds; never twice at once. Returns how to end that. */
export function repeat(work, pause) {
  let timer
  let over = false
  const round = async () => {
    await work()
    if (!over) timer = setTimeout(round, pause)
  }
  round()
  return () => {
    over = true
    clearTimeout(timer)
  }
}
