// @ts-check
// Streamlit calls what a component returns when the component goes. It also calls it when newer data overtakes older on a
// busy browser, although the component stays: what is cleared away then is missed until the page is loaded anew.

/** @param {{ isConnected: boolean }} root @param {() => void} act @returns {() => void} */
function whenGone(root, act) {
  return () =>
    void setTimeout(() => {
      if (!root.isConnected) act()
    })
}
