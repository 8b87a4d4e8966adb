// A button at each block of code, that copies it, and the page's own line in the
// menu in sight. Pages are whole without.
'use strict'
{
  const side = document.querySelector('.side'), line = side?.querySelector('[aria-current]')
  if (line) side.scrollTop = line.offsetTop - side.clientHeight / 2
}
const { copy, copied } = document.currentScript.dataset
for (const code of document.querySelectorAll('article pre')) {
  const box = document.createElement('div')
  const button = document.createElement('button')
  box.className = 'code'
  button.type = 'button'
  button.textContent = copy
  button.addEventListener('click', async () => {
    if (navigator.clipboard) await navigator.clipboard.writeText(code.textContent)
    else { // the page came by HTTP
      getSelection().selectAllChildren(code)
      document.execCommand('copy')
    }
    button.textContent = copied
    setTimeout(() => { button.textContent = copy }, 2000)
  })
  code.replaceWith(box)
  box.append(code, button)
}
