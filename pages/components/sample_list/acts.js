// @ts-check
// What a person does to samples: the row in sight, or all rows of the range, with undo and repeat.

class Acts {
  /** @param {App} app @param {Outbox} outbox */
  constructor(app, outbox) {
    this.app = app
    this.outbox = outbox
    /** @type {Decided[]} */
    this.decided = []
    this.undone = new Set()
    /** @type {{ kind: Verdict | "tag", text: string } | null} */
    this.last = null
  }

  // What an act is meant for: rows held of it, its places, and how the server finds it.
  target() {
    const { app } = this
    const row = app.row
    if (!row) return null
    const [first, last] = app.range.size > 1 ? app.range.ends : [app.place, app.place]
    const rows = app.held.between(first, last)
    const size = last - first + 1
    const keys = rows.map((one) => one.sample_key)
    const address =
      size === 1 ? { key: row.sample_key } : rows.length === size ? { keys } : { view: app.held.view, first, last }
    return { first, last, size, rows, keys: new Set(keys), address }
  }

  /** @param {Verdict} verdict */
  decide(verdict, reason = "", { moves = true } = {}) {
    const target = this.target()
    if (!target) return
    const act = this.outbox.add(verdict, reason, target.address)
    /** @type {Decided["before"]} */
    const before = target.rows.map((row) => [row.sample_key, row.verdict, row.reason])
    this.decided.push({ id: act.id, verdict, before, first: target.first, last: target.last, view: this.app.held.view })
    this.app.held.eachOf(target.keys, (row) => addToHistory(row, verdict, reason, this.app.data.author))
    this.set(new Map(before.map(([key]) => [key, [verdict, reason]])))
    this.last = { kind: verdict, text: reason }
    this.app.say(
      target.size > 1 ? `${formatCount(target.size)} rows ${VERDICT_WORDS[verdict]}` : VERDICT_WORDS[verdict],
    )
    if (moves && verdict !== "undecided" && this.app.settings.moveOn) this.app.stepPast(target.last)
  }

  // `decisions` has [verdict, reason] by sample.
  /** @param {Map<number, [Verdict, string]>} decisions */
  set(decisions) {
    const { app } = this
    app.held.eachOf(decisions, (row) => {
      const [verdict, reason] = decisions.get(row.sample_key) ?? [row.verdict, row.reason]
      app.nDecided += Number(verdict !== "undecided") - Number(row.verdict !== "undecided")
      row.verdict = verdict
      row.reason = reason
    })
    app.repaintVerdicts()
  }

  // Back to the row that it was about, so that it can be decided otherwise.
  undo() {
    const last = this.decided.pop()
    this.outbox.add("undo", last ? last.id : "", { key: -1 })
    if (last) {
      this.app.held.eachOf(new Set(last.before.map(([key]) => key)), endInHistory)
      this.set(new Map(last.before.map(([key, ...decision]) => [key, decision])))
      if (last.view === this.app.held.view && this.app.settings.moveOn) this.app.goTo(last.first)
    }
    this.app.say("undone")
  }

  repeat() {
    if (!this.last) return this.app.say("nothing to repeat yet")
    if (this.last.kind === "tag") this.tag(this.last.text)
    else this.decide(this.last.kind, this.last.text)
  }

  // The reason of a decision that stands, or of the last one made: on to the next row, it is still meant.
  openReason() {
    const { app } = this
    const last = this.decided.at(-1)
    const target = this.target()
    if (!target) return
    const stands =
      target.size === 1
        ? app.row?.verdict !== "undecided"
        : last && last.first === target.first && last.last === target.last
    if (stands) return app.showForm("reason")
    if (!last || last.view !== app.held.view) return app.say("keep or drop first")
    app.comeBackTo = app.place
    app.goTo(last.last)
    if (last.first !== last.last) app.range.set(last.first, last.last)
    app.whenHere(() => {
      app.paintRange()
      app.showForm("reason")
    })
  }

  giveReason(text) {
    const target = this.target()
    if (!target) return
    const verdict = target.size > 1 ? this.decided.at(-1)?.verdict : this.app.row?.verdict
    if (verdict) this.decide(verdict, text, { moves: false })
  }

  tag(text) {
    const target = this.target()
    if (!target || !text) return
    this.outbox.add("tag", text, target.address)
    this.app.held.eachOf(target.keys, (row) => {
      if (!row.tags.includes(text)) addToHistory(row, "tag", text, this.app.data.author)
      row.tags = [...new Set([...row.tags, text])].sort()
    })
    if (!this.app.data.tags.includes(text)) this.app.data.tags.push(text)
    this.last = { kind: "tag", text }
    this.app.repaintRows(target.keys)
    this.app.say(target.size > 1 ? `${formatCount(target.size)} rows tagged ${text}` : `tagged ${text}`)
  }

  untag(text) {
    const { app } = this
    if (!app.row) return
    const keys = new Set([app.row.sample_key])
    this.outbox.add("untag", text, { key: app.row.sample_key })
    app.held.eachOf(keys, (row) => {
      endInHistory(row, "tag", text)
      row.tags = row.tags.filter((name) => name !== text)
    })
    app.repaintRows(keys)
  }

  note(text) {
    const { app } = this
    if (!app.row) return
    const keys = new Set([app.row.sample_key])
    this.outbox.add("note", text, { key: app.row.sample_key })
    app.held.eachOf(keys, (row) => {
      addToHistory(row, "note", text, app.data.author)
      row.note = text
    })
    app.repaintRows(keys)
  }

  // A page that was read before an act was written must not take the mark back.
  /** @param {SampleRow} row @param {number} place */
  applyPending(row, place) {
    const verdict = this.outbox.pendingVerdict(row, this.app.held.view, place)
    if (verdict) row.verdict = verdict
  }

  // A decision that was refused is none: the marks go back to what they were.
  /** @param {string} id */
  takeBack(id) {
    const at = this.decided.findIndex((one) => one.id === id)
    if (at < 0) return
    const [refused] = this.decided.splice(at, 1)
    this.app.held.eachOf(new Set(refused.before.map(([key]) => key)), endInHistory)
    this.set(new Map(refused.before.map(([key, ...decision]) => [key, decision])))
  }

  /** @param {ListPayload} data */
  acknowledge(data) {
    for (const [id, why] of this.outbox.acknowledge(data.acked, data.failed)) {
      this.takeBack(id)
      this.app.sentAny = false
      this.app.say(`not saved: ${why}`, true)
    }
    // The same answer may come twice; verdicts that an undo brought back are taken over once.
    for (const [id, verdicts] of Object.entries(data.changed)) {
      if (this.undone.has(id)) continue
      this.undone.add(id)
      const standing = new Map(verdicts)
      this.app.held.each((row, place) => {
        if (!standing.has(row.sample_key)) return
        const pending = this.outbox.pendingVerdict(row, this.app.held.view, place)
        row.verdict = pending || (standing.get(row.sample_key) ?? row.verdict)
      })
      this.app.repaintVerdicts()
    }
  }
}
