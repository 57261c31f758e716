// @ts-check
// What the browser remembers by itself: a person's settings, and where in a list this tab was.

const SETTINGS = "lobass.browse.settings"

/** @param {'localStorage' | 'sessionStorage'} storage @param {string} key */
function readStored(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key) ?? "null")
  } catch {
    return null
  }
}

// Storage may be switched off; then settings live as long as the page.
/** @param {'localStorage' | 'sessionStorage'} storage @param {string} key @param {unknown} value */
function keepStored(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value))
  } catch {
    return
  }
}

// `moveOn`: K and D go to the next row. On from the start: most rows are decided one after the other.
function readSettings() {
  return { moveOn: true, ...readStored("localStorage", SETTINGS) }
}

function keepSettings(settings) {
  keepStored("localStorage", SETTINGS, settings)
}

function placeKey(project) {
  return `lobass.place.${project}`
}

function keepPlace(project, place) {
  keepStored("sessionStorage", placeKey(project), place)
}

// The place where this tab left this very list, null if it was another.
/** @param {ListPayload} data @returns {{ view: string, place: number, key: number } | null} */
function readPlace(data) {
  const left = readStored("sessionStorage", placeKey(data.project))
  return left && left.view === data.view && left.place < data.n ? left : null
}
