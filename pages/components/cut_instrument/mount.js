// @ts-check
// Mounts the instrument once and hands it what the server sends.

/** @type {WeakMap<Element, InstrumentView>} */
const instruments = new WeakMap()

/** @param {Mounted<InstrumentPayload>} component */
export default function (component) {
  const { data, parentElement, setStateValue } = component
  const root = parentElement.querySelector(".instrument")
  if (!root || !data) return undefined
  let view = instruments.get(root)
  if (!view) {
    view = mount(root)
    instruments.set(root, view)
  }
  view.send = (message) => setStateValue("spec", message)
  paintDomainColours(root)
  receive(view, data)
  return whenGone(root, () => {
    view.observer.disconnect()
    window.removeEventListener("resize", view.onResize)
  })
}
