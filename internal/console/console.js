// The console works without this file. It gives the keyboard its shortcuts,
// says when an answer takes long, and keeps the events live.
'use strict';
(() => {
  const body = document.body, root = body.dataset.root
  const all = selector => [...document.querySelectorAll(selector)]
  const typing = e => e.target.closest('input, select, textarea, [contenteditable]')
  const rows = () => all('main tbody tr a[data-row], main li a[data-row]')

  // Layouts put letters, digits and / elsewhere: the character counts, and where
  // it is of no Latin letter, the place of the key.
  const keyOf = e => {
    if (/^[\x21-\x7e]$/.test(e.key)) return e.key
    if (e.key.length > 1) return e.key
    if (/^Key[A-Z]$/.test(e.code)) return e.code[3].toLowerCase()
    if (/^Digit\d$/.test(e.code)) return e.code[5]
    return e.key === '؟' ? '?' : e.key
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
      for (const open of all('details[open].me, .more details[open]')) open.open = false
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
    slow.hidden = true
    slow.textContent = ''
  }
  const later = (ms, what) => timers.push(setTimeout(what, ms))
  document.addEventListener('htmx:beforeRequest', () => {
    hush()
    later(300, () => { slow.hidden = false })
    later(4000, () => { slow.textContent = slow.dataset.slow })
    later(10000, () => {
      const again = document.createElement('button')
      again.textContent = slow.dataset.retry
      again.addEventListener('click', () => location.reload())
      slow.append(' ', again)
    })
  })
  // The address follows the list. htmx notes where it is in the browser's
  // storage, with what was searched: nothing of a client stays there.
  const forget = () => sessionStorage.removeItem('htmx-current-path-for-history')
  forget()
  document.addEventListener('htmx:afterRequest', e => {
    hush()
    const address = e.detail.xhr.getResponseHeader('Console-Address')
    if (address && e.detail.successful) {
      history.replaceState(history.state, '', address)
      document.querySelector('.languages [name=to]').value = address.slice(root.length)
    }
    forget()
  })
  document.addEventListener('htmx:sendError', () => {
    hush()
    slow.hidden = false
    slow.textContent = slow.dataset.lost
  })

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
      count()
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
  }
  document.addEventListener('change', e => { if (e.target.name === 'ids') count() })
  document.addEventListener('htmx:afterSwap', tickable)
  tickable()

  // Back from a client, the row that was opened has the focus.
  const kept = history.state?.row
  if (kept) rows().find(a => a.getAttribute('href') === kept)?.focus()
  document.addEventListener('click', e => {
    const row = e.target.closest('a[data-row]')
    if (row) history.replaceState({ ...history.state, row: row.getAttribute('href') }, '')
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
    const most = 200, idleAfter = 10 * 60 * 1000, say = live.dataset
    const button = (text, act) => {
      const b = document.createElement('button')
      b.textContent = text
      b.addEventListener('click', act)
      return b
    }
    const status = document.createElement('span')
    status.setAttribute('role', 'status')
    status.className = 'hint'
    let source, url = live.dataset.stream, waiting = [], active = Date.now(), spoken = 0
    const fresh = button('', show)
    fresh.hidden = true
    const toggle = button(say.live, () => source ? stop(say.pause) : start())
    live.prepend(toggle, fresh, status)
    for (const kind of ['keydown', 'pointerdown', 'scroll']) document.addEventListener(kind, () => { active = Date.now() }, { passive: true })

    function show() {
      const list = document.getElementById('days')
      for (const html of waiting.splice(0)) {
        const part = new DOMParser().parseFromString(html, 'text/html').getElementById('days')
        if (list.classList.contains('empty')) list.className = 'card timeline', list.replaceChildren()
        for (const day of [...part.querySelectorAll('h2')].reverse()) {
          const rows = day.nextElementSibling, first = list.querySelector('h2')
          if (first?.textContent === day.textContent) first.nextElementSibling.prepend(...rows.children)
          else list.prepend(day, rows)
        }
      }
      const rows = list.querySelectorAll('li')
      for (const row of [...rows].slice(most)) row.remove()
      fresh.hidden = true
    }
    function start() {
      source = new EventSource(url)
      toggle.setAttribute('aria-pressed', 'true')
      status.textContent = ''
      source.onmessage = e => {
        waiting.push(e.data)
        if (waiting.length > most) waiting.shift()
        url = live.dataset.stream.replace(/after=\d+/, 'after=' + e.lastEventId)
        if (scrollY < 80) return show()
        const n = waiting.reduce((sum, html) => sum + html.split('<li').length - 1, 0)
        fresh.textContent = n + ' ' + say.new + ' ↑'
        fresh.hidden = false
        if (Date.now() - spoken > 10000) {
          spoken = Date.now()
          status.textContent = fresh.textContent
        }
      }
      let lostAt = 0
      source.onopen = () => { lostAt = 0; status.textContent = '' }
      source.onerror = () => {
        if (Date.now() - active > idleAfter) return stop(say.idle)
        if (lostAt) {
          const at = new Date(lostAt)
          status.textContent = say.lost.replace('{time}', String(at.getHours()).padStart(2, '0') + ':' + String(at.getMinutes()).padStart(2, '0'))
        }
        lostAt ||= Date.now()
        if (source.readyState === EventSource.CLOSED) stop(status.textContent || say.pause)
      }
    }
    function stop(why) {
      source?.close()
      source = null
      toggle.setAttribute('aria-pressed', 'false')
      status.textContent = why
    }
    toggle.setAttribute('aria-pressed', 'false')
    addEventListener('pagehide', () => source?.close())
  }
})()
