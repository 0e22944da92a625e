// A menu closes when the reader goes elsewhere.

export function startMenus(): void {
  // On a phone the sections are a row that scrolls.
  const here = document.querySelector(".nav [aria-current]");
  here?.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("[data-menu][open]")) {
      if (!(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector<HTMLDetailsElement>("[data-menu][open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}
