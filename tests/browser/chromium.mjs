// Headless Chromium on a new profile, without its own traffic.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
]

/** {page, close()}: a browser with one page. */
export async function openPage(viewport) {
  const profile = mkdtempSync(join(tmpdir(), 'signalk-profile-'))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS, viewport,
  })
  return {
    page: browser.pages()[0] ?? (await browser.newPage()),
    async close() {
      await browser.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
