// @ts-check
// Back leads to where a person was, in one press.
//
// Streamlit makes a step of the history for a change of page, and another when the page then writes what decides its
// numbers into the address. Until a person acts on a page, its addresses are one step: each takes the place of the last.
;(() => {
  const push = window.history.pushState.bind(window.history)
  let isUntouched = true
  const touch = () => (isUntouched = false)
  for (const act of ["pointerdown", "keydown", "drop"]) window.addEventListener(act, touch, true)
  window.addEventListener("popstate", () => (isUntouched = true))
  window.history.pushState = (state, title, url) => {
    const isSamePage = new URL(url ?? "", window.location.href).pathname === window.location.pathname
    if (isSamePage && isUntouched) return window.history.replaceState(state, title, url)
    if (!isSamePage) isUntouched = true
    push(state, title, url)
  }
})()
