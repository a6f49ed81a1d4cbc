import { signal } from '@preact/signals';

const storageKey = 'outrigger-theme';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
const remembered = () => {
  const text = localStorage.getItem(storageKey);
  return text === 'light' || text === 'dark' ? text : 'auto';
};

const darkSystem = matchMedia('(prefers-color-scheme: dark)');

/** What the viewer chose; `auto` is what the system says. */
export const theme = signal(remembered());

/** True while the page is dark, whoever said so: what is drawn on a canvas must be drawn again when it changes. */
export const isDark = signal(false);

const apply = () => {
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
  isDark.value = theme.value === 'auto' ? darkSystem.matches : theme.value === 'dark';
};

/** From one to the next: auto, light, dark. */
export const nextTheme = () => {
  const next = { auto: 'light', light: 'dark', dark: 'auto' };
  theme.value = /** @type {Theme} */ (next[theme.value]);
  if (theme.value === 'auto') localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, theme.value);
  apply();
};

darkSystem.addEventListener('change', apply);
apply();

const probe = document.createElement('i');
probe.hidden = true;
document.body.append(probe);

/** The colour that a token stands for just now, for a canvas, which knows no tokens. @param {string} token `chart-ok` */
export const colourOf = (token) => {
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
};
