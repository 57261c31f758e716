// @ts-check
// Acts on their way to the disk: a growing queue, sent whole with each message until the server has acknowledged them.
//
//   { id, kind, text, key }                     one sample
//   { id, kind, text, keys }                    several samples whose rows the browser holds
//   { id, kind, text, view, first, last }       rows of a list by their places, both ends included

const SAVE_PATIENCE_MS = 3000
// After this long without any answer the server may be another one than the page came from: only a reload reaches it.
const LOST_MS = 9000
// After this long the connection is dead although the server is not, as after a change of the network.
const DEAD_MS = 60_000

class Outbox {
  constructor({ tell, hasAnswer, onChange }) {
    this.tell = tell
    this.hasAnswer = hasAnswer
    this.onChange = onChange
    /** @type {SentAct[]} */
    this.acts = []
    this.server = this.storageKey = ""
    this.sentAt = new Map()
    this.isLate = false
    this.watch = setInterval(() => this.check(), 500)
    // A tab that is closed takes its storage with it.
    this.onLeave = (event) => this.isLate && !this.reloading && event.preventDefault()
    window.addEventListener("beforeunload", this.onLeave)
  }

  destroy() {
    clearInterval(this.watch)
    window.removeEventListener("beforeunload", this.onLeave)
  }

  // Takes up what the page before this one could not bring home; ids make sure that no act is done twice.
  open(project, server) {
    this.server = server
    this.storageKey = `lobass.unsaved.${project}`
    try {
      this.acts = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]")
    } catch {
      this.acts = []
    }
    for (const act of this.acts) this.sentAt.set(act.id, performance.now())
    return this.acts.length > 0
  }

  /** @param {string} kind @param {string} text @param {ActTarget} target */
  add(kind, text, target) {
    /** @type {SentAct} */
    const act = { id: newId(), kind, text: text || "", ...target }
    this.acts.push(act)
    this.sentAt.set(act.id, performance.now())
    this.keep()
    this.tell()
    this.onChange()
    return act
  }

  // Returns [id, why] of the acts that were refused.
  /** @param {string[]} acked @param {[id: string, why: string][]} failed @returns {[id: string, why: string][]} */
  acknowledge(acked, failed) {
    const done = new Set(acked)
    const refused = new Map(failed)
    const ids = new Set(this.acts.map((act) => act.id))
    this.acts = this.acts.filter((act) => !done.has(act.id) && !refused.has(act.id))
    for (const id of [...done, ...refused.keys()]) this.sentAt.delete(id)
    this.keep()
    return failed.filter(([id]) => ids.has(id))
  }

  // The verdict of the last act on this row that is not on disk yet, null without one.
  /** @param {SampleRow} row @param {string} view @param {number} place @returns {Verdict | null} */
  pendingVerdict(row, view, place) {
    const last = this.acts.findLast((act) => MARKS[act.kind] && touches(act, row, view, place))
    return last ? /** @type {Verdict} */ (last.kind) : null
  }

  // Storage may be switched off; then acts live as long as the page.
  keep() {
    try {
      if (this.acts.length) sessionStorage.setItem(this.storageKey, JSON.stringify(this.acts))
      else sessionStorage.removeItem(this.storageKey)
    } catch {
      return
    }
  }

  check() {
    const ages = this.acts.map((act) => performance.now() - (this.sentAt.get(act.id) ?? 0))
    const oldest = Math.max(0, ...ages)
    const isLate = oldest > SAVE_PATIENCE_MS
    // Say it again: a connection that came back has forgotten what it was told.
    if (isLate && performance.now() - (this.toldAgainAt ?? 0) > SAVE_PATIENCE_MS) {
      this.toldAgainAt = performance.now()
      this.tell()
    }
    if (isLate !== this.isLate) {
      this.isLate = isLate
      this.onChange()
    }
    if (oldest > LOST_MS && !this.hasAnswer()) this.reloadIfServerIsAnother(oldest > DEAD_MS)
  }

  // A dashboard that was started anew does not know this page; a busy one does, and answers in the end.
  // The acts wait in the tab's own storage meanwhile.
  async reloadIfServerIsAnother(isDead) {
    if (this.reloading) return
    this.reloading = true
    try {
      const answer = await fetch(new URL("/lobass/server", window.location.href), { cache: "no-store" })
      const isAnother = answer.ok && (await answer.text()) !== this.server
      if (this.acts.length && (isAnother || (answer.ok && isDead))) return window.location.reload()
    } catch {
      // Still away; asked again below.
    }
    setTimeout(() => (this.reloading = false), SAVE_PATIENCE_MS)
  }
}

/** @param {SentAct} act @param {SampleRow} row @param {string} view @param {number} place */
function touches(act, row, view, place) {
  if (act.keys) return act.keys.includes(row.sample_key)
  const { first = 0, last = -1 } = act
  if (act.view !== undefined) return act.view === view && place >= first && place <= last
  return act.key === row.sample_key
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID()
  // crypto.randomUUID needs a secure context; an address in the local network is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}
