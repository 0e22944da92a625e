import { choose, chosen, THEMES } from "./themes";

function radios(): NodeListOf<HTMLInputElement> {
  return document.querySelectorAll<HTMLInputElement>("[data-theme-switch] input");
}

function mark(): void {
  for (const radio of radios()) radio.checked = radio.value === chosen();
}

export function nextTheme(): void {
  const theme = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
  if (theme) choose(theme);
  mark();
}

export function startThemeSwitch(): void {
  mark();
  for (const radio of radios()) {
    radio.addEventListener("change", () => {
      const theme = THEMES.find((each) => each === radio.value);
      if (theme) choose(theme);
    });
  }
}
