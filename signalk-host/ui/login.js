// Who is logged in, when the server wants to know: a form, and a button to leave. With security off nothing is drawn.
// What a user may do is the server's; a new login loads the page anew, so that every connection has it.

import { h, text } from './dom.js'

const ASK_AGAIN = 3000

/** Draws into the bar; opens the form at once where nothing can be read without a login, and when a login has ended. */
export async function startLogin(place) {
  const status = await loginStatus()
  if (!status.authenticationRequired) return
  const dialog = makeDialog(status.noUsers)
  let isIn = status.status === 'loggedIn'
  const button = h('button', { class: 'plain', type: 'button', 'data-testid': 'session', onclick: () => (isIn ? leave() : dialog.showModal()) })
  const show = () => text(button, isIn ? `Log out ${status.username}` : 'Log in')
  show()
  place.prepend(button)
  document.body.append(dialog)
  if (!isIn && !status.readOnlyAccess) dialog.showModal()
  const askAnew = () => {
    show()
    if (!dialog.open) dialog.showModal()
  }
  const look = async () => (isIn = (await loginStatus()).status === 'loggedIn')
  // Once: whoever closes the form wants to see what is open to everybody, or to this user.
  addEventListener('login-needed', () => look().then(askAnew), { once: true })
  // The stream of a token that has ended is closed, and what comes after it is a stranger's: open, and mute.
  addEventListener('stream-lost', async () => {
    if (isIn && !(await look())) askAnew()
  })
}

// The page may be there before the network is: without an answer there would be no button.
async function loginStatus() {
  for (;;) {
    try {
      const answer = await fetch('/skServer/loginStatus')
      if (answer.ok) return await answer.json()
    } catch {
      // Asked again below.
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN))
  }
}

async function leave() {
  await fetch('/signalk/v1/auth/logout', { method: 'PUT' })
  location.reload()
}

function makeDialog(noUsers) {
  const field = (name, title, attributes) => {
    const input = h('input', { name, required: true, autocapitalize: 'off', spellcheck: 'false', ...attributes })
    return h('label', { class: 'field' }, h('span', null, title), input)
  }
  const said = h('p', { class: 'error', role: 'alert', hidden: true, 'data-testid': 'login-error' })
  const enter = h('button', { type: 'submit', 'data-testid': 'login-enter' }, 'Log in')
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'login-title' }, 'Log in to this boat'),
    noUsers ? h('p', { class: 'quiet' }, 'There are no users: copy security.json from the server that made it.') : null,
    field('username', 'User', { autocomplete: 'username', 'data-testid': 'login-user' }),
    field('password', 'Password', { type: 'password', autocomplete: 'current-password', 'data-testid': 'login-password' }),
    h('label', { class: 'remember' }, h('input', { name: 'rememberMe', type: 'checkbox' }), 'Stay logged in'),
    said, enter)
  const dialog = h('dialog', { class: 'login', 'aria-labelledby': 'login-title' }, form)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    said.hidden = true
    enter.disabled = true
    const given = new FormData(form)
    const problem = await logIn({ username: given.get('username'), password: given.get('password'), rememberMe: given.has('rememberMe') })
    if (problem === null) return location.reload()
    enter.disabled = false
    text(said, problem)
    said.hidden = false
    form.elements.password.select()
  })
  return dialog
}

/** Null, or why not. */
async function logIn(given) {
  try {
    const answer = await fetch('/signalk/v1/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(given) })
    if (answer.ok) return null
    return (await answer.json()).message ?? `The server says ${answer.status}`
  } catch (error) {
    return `The server does not answer: ${error.message}`
  }
}
