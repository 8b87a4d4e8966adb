// Draws the reference, and keeps it at home: no fonts, no statistics, no
// proxy, no chat and no link to a service of the vendor's. A token that is
// typed stays in the page's memory.
'use strict'
const { document: url, language } = document.currentScript.dataset
const server = new URL('../..', location.href).href.replace(/\/$/, '')
Scalar.createApiReference('#reference', {
  url: new URL(url, location.href).href,
  servers: [{ url: server }],
  proxyUrl: '',
  persistAuth: false,
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
  localization: { locale: language },
  defaultHttpClient: { targetKey: 'js', clientKey: 'fetch' },
})
