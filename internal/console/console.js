// The console works without this file. It gives the keyboard its shortcuts,
// says when an answer takes long, and keeps the events live.
'use strict';
(() => {
  const body = document.body, root = body.dataset.root
  const all = selector => [...document.querySelectorAll(selector)]
  const typing = e => e.target.closest('input, select, textarea, [contenteditable]')
  const rows = () => all('main tbody tr a[data-row], main li a[data-row]')

  // Layouts put letters, digits and / elsewhere: the character counts, and where
  // it is none that means something, the place of the key.
  const keyOf = e => {
    if (e.key.length > 1 || /^[a-z0-9/?]$/i.test(e.key)) return e.key
    if (e.key === '؟') return '?'
    if (/^Key[A-Z]$/.test(e.code)) return e.code[3].toLowerCase()
    if (/^Digit\d$/.test(e.code) && !e.shiftKey) return e.code[5] // French has & and é there
    if (e.code === 'Slash' && !e.shiftKey) return '/'
    return e.key
  }

  const find = () => {
    const field = document.querySelector('main #search') ?? document.getElementById('find')
    field?.focus()
    field?.select()
  }
  const go = path => location.assign(root + path)
  const places = { o: '', c: 'clients', j: 'events', m: 'mails' }

  // move puts the focus on a row, from the one that has it.
  function move(step) {
    const list = rows(), at = list.indexOf(document.activeElement)
    list[Math.min(Math.max(at + step, 0), list.length - 1)]?.focus()
  }

  let went = 0
  document.addEventListener('keydown', e => {
    if (!('keys' in body.dataset) || e.isComposing) return
    const key = keyOf(e)
    if (e.ctrlKey && !e.altKey && !e.shiftKey && key === 'k') {
      e.preventDefault()
      find()
      return
    }
    if (e.ctrlKey || e.altKey || e.metaKey) return
    if (key === 'Escape') {
      for (const open of all('details[open].me, .more details[open]')) {
        if (open.contains(document.activeElement)) open.querySelector('summary').focus()
        open.open = false
      }
      const cancel = document.querySelector('[data-cancel]')
      if (typing(e)) e.target.blur()
      else cancel?.click()
      return
    }
    if (typing(e)) {
      const results = e.target.id === 'search' && document.getElementById('results')
      if (results && key === 'ArrowDown') {
        e.preventDefault()
        rows()[0]?.focus()
      }
      return
    }
    const after = Date.now() - went < 1500
    went = 0
    if (after && key in places) return go(places[key])
    const tab = /^[1-6]$/.test(key) && all('.tabs a')[key - 1]
    const page = { n: 'next', p: 'prev' }[key]
    if (key === 'g') went = Date.now()
    else if (key === '/') e.preventDefault(), find()
    else if (key === '?') go('help')
    else if (key === 'ArrowDown' && rows().length) e.preventDefault(), move(1)
    else if (key === 'ArrowUp' && rows().length) e.preventDefault(), move(-1)
    else if (tab) tab.click()
    else if (page) document.querySelector(`a[rel=${page}]`)?.click()
    else if (key === 'x') document.activeElement.closest('tr')?.querySelector('input[type=checkbox]')?.click()
  })

  // The whole row reacts to the mouse; its link is what opens it.
  document.addEventListener('click', e => {
    if (e.target.closest('a, button, input, label, summary') || getSelection().toString()) return
    e.target.closest('tr')?.querySelector('a[data-row]')?.click()
  })

  // Enter in the search opens the one result there is.
  document.addEventListener('submit', e => {
    if (!e.target.matches('.search')) return
    const results = document.getElementById('results')
    const only = rows()
    if (results?.dataset.search === e.target.elements.search.value && new Set(only.map(a => a.href)).size === 1) {
      e.preventDefault()
      location.assign(only[0].href)
    }
  }, true)

  // What takes long is said: a bar after 300 ms, words after 4 s, a way to try
  // again after 10 s. What was there before stays.
  const slow = document.getElementById('slow')
  let timers = []
  const hush = () => {
    timers.forEach(clearTimeout)
    timers = []
    slow.hidden = true
    slow.textContent = ''
  }
  const later = (ms, what) => timers.push(setTimeout(what, ms))
  const retry = () => { // what is in the search now
    const again = document.createElement('button')
    again.textContent = slow.dataset.retry
    again.addEventListener('click', () => {
      const search = document.getElementById('search')
      search.focus()
      search.dispatchEvent(new Event('search'))
    })
    slow.append(' ', again)
  }
  const lost = () => {
    hush()
    slow.hidden = false
    slow.textContent = slow.dataset.lost
    retry()
  }
  document.addEventListener('htmx:beforeRequest', () => {
    if (timers.length) return // another word, in place of one that waits
    hush()
    later(300, () => { slow.hidden = false })
    later(4000, () => { slow.textContent = slow.dataset.slow })
    later(10000, retry)
  })
  // What a proxy says is no list, and takes the place of none.
  const isOurs = xhr => xhr.getResponseHeader('HX-Redirect') || xhr.responseText.includes('id="results"')
  document.addEventListener('htmx:beforeSwap', e => { if (!isOurs(e.detail.xhr)) e.detail.shouldSwap = false })
  // The address follows the list. htmx notes where it is in the browser's
  // storage, with what was searched: nothing of a client stays there.
  const forget = () => sessionStorage.removeItem('htmx-current-path-for-history')
  forget()
  document.addEventListener('htmx:afterRequest', e => {
    if (!e.detail.xhr.status) return // it was taken back for another word, or see sendError
    if (isOurs(e.detail.xhr)) hush()
    else lost()
    const address = e.detail.xhr.getResponseHeader('Console-Address')
    if (address && e.detail.successful) {
      history.replaceState(history.state, '', address)
      document.querySelector('.languages [name=to]').value = address.slice(root.length)
    }
    forget()
  })
  document.addEventListener('htmx:sendError', lost)

  // Ticks: one for the whole page, and how many there are. What the list has in
  // its place is another list, with none.
  const ticks = () => all('#results input[name=ids]')
  function tickable() {
    const place = document.getElementById('pick'), whom = document.getElementById('whom')
    if (!place || !whom || place.firstChild) return
    const whole = document.createElement('input')
    whole.type = 'checkbox'
    whole.setAttribute('aria-label', place.dataset.label)
    whole.addEventListener('change', () => {
      for (const box of ticks()) box.checked = whole.checked
      document.getElementById('said').textContent = count()
    })
    place.append(whole)
    count()
  }
  function count() {
    const whom = document.getElementById('whom'), ticked = whom.options[0]
    ticked.dataset.text ??= ticked.textContent
    const n = new Set(ticks().filter(box => box.checked).map(box => box.value)).size
    ticked.textContent = n ? `${ticked.dataset.text} (${n})` : ticked.dataset.text
    if (n) whom.selectedIndex = 0
    if (n) whom.closest('details').open = true
    return ticked.textContent
  }
  document.addEventListener('change', e => { if (e.target.name === 'ids') document.getElementById('said').textContent = count() })
  document.addEventListener('htmx:afterSwap', tickable)
  tickable()

  // Back from a page, the link that led there has the focus; and to cancel is
  // to go back.
  const kept = all('main a').find(a => a.getAttribute('href') === history.state?.at)
  if (kept) {
    const closed = kept.closest('details')
    if (closed) closed.open = true
    kept.focus()
  }
  document.addEventListener('click', e => {
    const link = e.target.closest('main a')
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return
    if ('cancel' in link.dataset && document.referrer && new URL(document.referrer).pathname === link.pathname) {
      e.preventDefault()
      history.back()
      return
    }
    history.replaceState({ ...history.state, at: link.getAttribute('href') }, '')
  })

  // The token of the set-up link stands in the fragment, which no server is sent:
  // it goes into the form's field, and out of the address.
  const fragment = document.querySelector('input.fragment')
  if (fragment && location.hash.length > 1) {
    fragment.value = location.hash.slice(1)
    fragment.closest('.field').hidden = true
    history.replaceState(history.state, '', location.pathname + location.search)
  }

  // Live: new events wait behind a button unless the list is at its top. One
  // answer of the stream is short; the browser asks again, from where it was.
  const live = document.querySelector('[data-stream]')
  if (live && window.EventSource) {
    const most = 200, idleAfter = 10 * 60 * 1000, againAfter = 5000, speakEvery = 10000, say = live.dataset
    const lang = document.documentElement.lang, texts = JSON.parse(say.new), samples = [0, 1, 2, 3, 11, 100]
    const form = n => new Intl.PluralRules(lang).select(n)
    const news = n => (texts[samples.findIndex(s => form(s) === form(n))] ?? texts.at(-1))
      .replace('{count}', String(n).replace(/\B(?=(\d{3})+$)/g, lang === 'en' ? ',' : '\u202f'))
    const clock = at => at.toLocaleTimeString('en-GB', { timeZone: say.zone, hour: '2-digit', minute: '2-digit' })
    const button = (text, act) => {
      const b = document.createElement('button')
      b.textContent = text
      b.addEventListener('click', act)
      return b
    }
    const region = className => {
      const r = document.createElement('span')
      r.setAttribute('role', 'status')
      r.className = className
      return r
    }
    const list = document.getElementById('days'), status = region('hint'), said = region('unseen')
    let source, again, url = say.stream, waiting = [], count = 0, active = Date.now(), lostAt = 0
    let unsaid = 0, spoken = -Infinity, speaking
    const fresh = button('', () => {
      show()
      scrollTo({ top: 0 })
      toggle.focus()
    })
    fresh.hidden = true
    const toggle = button(say.live, () => source ? stop(say.pause) : start())
    live.prepend(toggle, fresh, status, said)
    for (const kind of ['keydown', 'pointerdown', 'scroll']) document.addEventListener(kind, () => { active = Date.now() }, { passive: true })

    // speak says how many have come, at most every ten seconds.
    function speak() {
      clearTimeout(speaking)
      const wait = spoken + speakEvery - Date.now()
      if (wait > 0) {
        speaking = setTimeout(speak, wait)
        return
      }
      said.textContent = news(unsaid)
      unsaid = 0
      spoken = Date.now()
    }
    function show() {
      if (list.classList.contains('empty')) list.className = 'card timeline', list.replaceChildren()
      for (const [day, row] of waiting.splice(0)) {
        let heading = [...list.querySelectorAll('h2')].find(h => h.textContent === day)
        if (!heading) {
          heading = document.createElement('h2')
          heading.textContent = day
          list.prepend(heading, document.createElement('ul'))
        }
        heading.nextElementSibling.prepend(row)
      }
      for (const row of [...list.querySelectorAll('li')].slice(most)) {
        const rows = row.parentElement
        row.remove()
        if (!rows.firstElementChild) rows.previousElementSibling.remove(), rows.remove()
      }
      count = 0
      fresh.hidden = true
    }
    function take(e) {
      url = say.stream.replace(/place=\d+/, 'place=' + e.lastEventId)
      const part = new DOMParser().parseFromString(e.data, 'text/html')
      const known = id => document.getElementById(id) || waiting.some(([, row]) => row.id === id)
      const rows = [...part.querySelectorAll('#days li')].filter(row => !known(row.id)).reverse()
      if (!rows.length) return
      for (const row of rows) waiting.push([row.parentElement.previousElementSibling.textContent, document.adoptNode(row)])
      waiting = waiting.slice(-most)
      count += rows.length
      unsaid += rows.length
      speak()
      if (scrollY < 80 && !list.contains(document.activeElement)) return show()
      fresh.textContent = news(count) + ' ↑'
      fresh.hidden = false
    }
    function start() {
      clearTimeout(again)
      source = new EventSource(url)
      toggle.setAttribute('aria-pressed', 'true')
      source.onmessage = take
      source.onopen = () => { lostAt = 0; status.textContent = '' }
      source.onerror = () => { // also when an answer of the stream is over
        if (Date.now() - active > idleAfter) return stop(say.idle)
        const gone = source.readyState === EventSource.CLOSED // the browser gives up: an answer that is no stream
        if (lostAt || gone) status.textContent = say.lost.replace('{time}', clock(new Date(lostAt || Date.now())))
        lostAt ||= Date.now()
        if (gone) again = setTimeout(start, againAfter)
      }
    }
    function stop(why) {
      clearTimeout(again)
      source?.close()
      source = null
      lostAt = 0
      toggle.setAttribute('aria-pressed', 'false')
      status.textContent = why
    }
    toggle.setAttribute('aria-pressed', 'false')
    addEventListener('pagehide', () => stop(''))
    document.addEventListener('keydown', e => { // the space bar pauses; else it scrolls
      if (e.key !== ' ' || !source || !('keys' in body.dataset) || e.target.closest('button, input, select, textarea, summary')) return
      e.preventDefault()
      stop(say.pause)
    })
  }
})()
