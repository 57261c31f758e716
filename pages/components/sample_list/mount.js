// @ts-check
// Mounts the list once and hands it what the server sends.

/** @type {WeakMap<Element, App>} */
const apps = new WeakMap()

/** @param {Mounted<ListPayload>} component */
export default function (component) {
  const { data, parentElement, setStateValue } = component
  const root = parentElement.querySelector(".browser")
  if (!root || !data) return undefined
  let app = apps.get(root)
  if (!app) {
    app = new App(root)
    apps.set(root, app)
  }
  app.receive(data, setStateValue)
  return whenGone(root, () => {
    app.destroy()
    apps.delete(root)
  })
}
