// Runs the page again when the browser shows another theme than the one that the page was drawn for: pictures whose
// colours Python writes do not follow the theme by themselves.

export default function (component) {
  const { setTriggerValue } = component
  const app = document.querySelector("[data-testid=stApp]")
  if (!app) return undefined
  let shown = getComputedStyle(app).colorScheme
  const check = () => {
    const now = getComputedStyle(app).colorScheme
    if (now === shown) return
    shown = now
    setTriggerValue("theme", now)
  }
  const observer = new MutationObserver(check)
  observer.observe(app, { attributes: true, attributeFilter: ["class"] })
  return () => observer.disconnect()
}
