// @ts-check
// The words under a field that holds no number, and the mark on the field itself, which is Streamlit's.

/** @param {Mounted<{ words: string, field: string }>} component */
export default function ({ data, parentElement }) {
  const words = parentElement.querySelector(".wrong")
  if (!words || !data) return undefined
  words.textContent = data.words
  const input = document.querySelector(`.${CSS.escape(data.field)} input`)
  if (!input) return undefined
  input.setAttribute("aria-invalid", "true")
  input.setAttribute("aria-description", data.words)
  return whenGone(words, () => {
    input.removeAttribute("aria-invalid")
    input.removeAttribute("aria-description")
  })
}
