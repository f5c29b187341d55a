// How close rows stand, in this browser.
import { readStored, store } from './storage';

export type Density = 'comfortable' | 'compact';

export const readDensity = (): Density => (readStored('celek.density') === 'compact' ? 'compact' : 'comfortable');

export function setDensity(density: Density): void {
  store('celek.density', density === 'compact' ? density : null);
  document.documentElement.dataset.density = density;
}
