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
  if (!response.ok) throw new Error(parsed(body)?.message ?? parsed(body)?.error ?? `${path}: ${response.status}`)
  return parsed(body)
}
