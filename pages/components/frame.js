// Pictures whose colours Python writes follow a switch of theme, because the page is run again.

export default function (component) {
  const { setTriggerValue } = component
  const app = document.querySelector("[data-testid=stApp]")
  if (!app) return undefined
  let shown = getComputedStyle(app).colorScheme
  const themes = new MutationObserver(() => {
    const now = getComputedStyle(app).colorScheme
    if (now === shown) return
    shown = now
    setTriggerValue("theme", now)
  })
  themes.observe(app, { attributes: true, attributeFilter: ["class"] })
  return () => themes.disconnect()
}
