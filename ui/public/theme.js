// Runs before the first paint, so that a dark panel never flashes white.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("portlama-theme");
  } catch {
    // Storage may be off: the system's choice stands.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
