// Passkeys on the pages of an account, and of the staff: this fills in and sends
// the form with data-passkey. Nothing else here needs a script; without this one the other
// ways stay. At most one request waits for an authenticator at a time, and what
// it is about is fetched when it begins, so that it is never old.
'use strict';
(() => {
  // Which passkeys there are, or that one is gone: the browser offers others no
  // more. Those that cannot be told show it, and lose nothing.
  const signal = document.querySelector('[data-signal]')
  if (signal && window.PublicKeyCredential) {
    const said = JSON.parse(signal.dataset.signal)
    const tell = said.credentialId ? 'signalUnknownCredential' : 'signalAllAcceptedCredentials'
    PublicKeyCredential[tell]?.(said).catch(() => {})
  }

  const form = document.querySelector('form[data-passkey]')
  const creates = form?.dataset.passkey === 'create'
  const read = creates ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
  if (!form || !window.PublicKeyCredential?.[read]) return
  const renewal = 4 * 60 * 1000, lifetime = 5 * 60 * 1000 // milliseconds, of what was fetched
  const button = form.querySelector('button'), problem = form.querySelector('[role=alert]')
  let waiting, timer

  form.hidden = false
  document.querySelector('[data-no-passkey]')?.remove()

  // begin fetches what the authenticator is asked, or goes where something else
  // has to be done first.
  async function begin() {
    const fields = new URLSearchParams(new FormData(form))
    fields.set('begin', 'passkey')
    const answer = await fetch(location.href, { method: 'POST', body: fields })
    const body = await answer.json()
    if (body.location) {
      location.assign(body.location)
      return null
    }
    if (!answer.ok) throw new Error(body.detail)
    return body
  }

  async function ask(mediation) {
    waiting?.abort()
    clearTimeout(timer)
    const mine = waiting = new AbortController()
    const at = Date.now(), begun = await begin()
    if (!begun || mine.signal.aborted) return
    const publicKey = PublicKeyCredential[read](begun.options)
    if (mediation) timer = setTimeout(conditional, renewal)
    const credential = creates
      ? await navigator.credentials.create({ publicKey, signal: mine.signal })
      : await navigator.credentials.get({ publicKey, mediation, signal: mine.signal })
    // Timers rest while a computer sleeps: what was picked then is asked for anew.
    if (mediation && Date.now() - at >= lifetime) return ask()
    form.elements.ceremony.value = begun.ceremony
    form.elements.credential.value = JSON.stringify(credential)
    form.submit()
  }

  // conditional has the browser offer passkeys among the names that it fills in.
  async function conditional() {
    try {
      await ask('conditional')
    } catch { // stopped by the button, or there are none: the form stays as it is
    }
  }

  function say(text) {
    problem.textContent = text
    problem.hidden = !text
  }

  form.addEventListener('submit', async event => {
    event.preventDefault()
    button.disabled = true
    say('')
    try {
      await ask()
    } catch (error) {
      const texts = form.dataset
      say({ AbortError: '', NotAllowedError: texts.cancelled, InvalidStateError: texts.there }[error.name] ?? (error.name === 'Error' && error.message ? error.message : texts.failed))
      start() // what the button took the place of
    }
    button.disabled = false
  })

  async function start() {
    if (form.dataset.passkey === 'login' && await PublicKeyCredential.isConditionalMediationAvailable?.()) conditional()
  }
  addEventListener('pageshow', event => { if (event.persisted) start() })
  start()
})()
