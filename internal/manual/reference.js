// Draws the reference, and keeps it at home: no fonts, no statistics, no
// proxy, no chat and no link to a service of the vendor's. A token that is
// typed stays in the page's memory.
'use strict'
{
  const { document: path, language } = document.currentScript.dataset
  // A library in Scalar would try whether code may be made of texts, which our policy forbids.
  globalThis.__zod_globalConfig = { jitless: true }
  document.addEventListener('DOMContentLoaded', () => Scalar.createApiReference('#reference', {
    url: new URL(path, location.href).href,
    servers: [{ url: new URL('../..', location.href).href.replace(/\/$/, '') }],
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
  }))
}
