// Light or dark: the system's wish until the person says otherwise. Kept for this tab alone.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const kept = sessionStorage.getItem('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'system') {
    delete root.dataset.theme;
    sessionStorage.removeItem('theme');
  } else {
    root.dataset.theme = theme.value;
    sessionStorage.setItem('theme', theme.value);
  }
});
