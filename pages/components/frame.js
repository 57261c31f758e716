// What the page around the components lacks: pictures whose colours Python writes follow a switch of theme, because the
// page is run again; and an open menu is named for who cannot see it.

function nameMenus() {
  for (const menu of document.querySelectorAll("[data-testid=stPopoverBody]:not([role])")) {
    const button = document.querySelector("[data-testid=stPopoverButton][aria-expanded=true]")
    menu.setAttribute("role", "dialog")
    menu.setAttribute("aria-label", button?.querySelector("[data-testid=stMarkdownContainer]")?.textContent || "Menu")
  }
}

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
  const menus = new MutationObserver(nameMenus)
  menus.observe(document.body, { childList: true, subtree: true })
  return () => {
    themes.disconnect()
    menus.disconnect()
  }
}
