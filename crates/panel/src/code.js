const form = document.querySelector("form");
const note = document.querySelector("output");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  note.textContent = "";
  try {
    const answer = await fetch("/api/settings/2fa/verify", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: form.elements.code.value.trim() }),
    });
    if (answer.ok) return location.reload();
    note.textContent = (await answer.json()).error;
  } catch {
    note.textContent = "The server could not be reached.";
  }
  form.elements.code.select();
});
